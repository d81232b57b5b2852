"""The lock between processes."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from sidecar.file_lock import locked

HOLD = """
import sys
from pathlib import Path
from sidecar.file_lock import locked
with locked(Path(sys.argv[1]), patience_seconds=0):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_is_for_one_at_a_time_and_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, patience_seconds=0):
        with (
            pytest.raises(OSError, match="another process holds") as refused,
            locked(path, patience_seconds=0),
        ):
            pass
        assert (refused.value.errno, refused.value.filename) == (errno.EAGAIN, str(path))
    with locked(path, patience_seconds=0):
        pass
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"", 0o600)


def test_a_killed_holder_s_lock_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError), locked(path, patience_seconds=0):
            pass
        holder.kill()
    with locked(path, patience_seconds=0):
        pass


def test_whoever_waits_gets_the_lock_when_its_turn_comes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        holder.stdin.close()
        with locked(path, patience_seconds=30):
            assert path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_lock_that_root_makes_does_not_lock_out_the_owner_of_the_directory(
    tmp_path: Path,
) -> None:
    os.chown(tmp_path, 65534, 65533)
    with locked(tmp_path / "lock", patience_seconds=0):
        status = (tmp_path / "lock").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (65534, 65533, 0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_was_there_is_never_given_away(tmp_path: Path) -> None:
    precious, path = tmp_path / "precious", tmp_path / "lock"
    precious.touch()
    path.hardlink_to(precious)
    os.chown(tmp_path, 65534, 65533)
    with locked(path, patience_seconds=0):
        pass
    assert (precious.stat().st_uid, precious.stat().st_gid) == (0, 0)


@pytest.mark.parametrize("kind", ["a symlink", "a directory", "a missing directory"])
def test_what_is_no_file_is_no_lock(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lock"
    if kind == "a symlink":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "a directory":
        path.mkdir()
    else:
        path = tmp_path / "missing" / "lock"
    with pytest.raises(OSError), locked(path, patience_seconds=0):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_the_lock_is_not_inherited_by_programs_that_are_started(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", patience_seconds=0):
        listed = subprocess.run(
            ["ls", "-l", "/proc/self/fd"], capture_output=True, text=True, check=True
        )
    assert str(tmp_path) not in listed.stdout
    assert os.path.lexists(tmp_path / "lock")
