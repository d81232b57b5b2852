"""A file in its place: when it is replaced, and what a reader may see meanwhile."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sidecar.delivery import kept_file
from sidecar.delivery.kept_file import KeptFile
from sidecar.file_target import Target, prove, remove_leftovers
from sidecar.redaction import Secret

OrdinaryUser = Callable[[], AbstractContextManager[None]]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, which only root can")

OLD, NEW = Secret("old"), Secret("new")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path / "file", 0o600)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def bring_up_to_date(target: Target, content: Secret) -> bool:
    """Do it as a sidecar does that has just been started."""
    return KeptFile(target).bring_up_to_date(content)


def test_a_file_is_made_with_its_mode_whatever_the_umask(target: Target) -> None:
    before = os.umask(0o277)
    try:
        assert bring_up_to_date(Target(target.path, 0o640), NEW)
    finally:
        os.umask(before)
    assert target.path.read_bytes() == b"new"
    assert mode(target.path) == 0o640


def test_a_file_that_is_right_is_left_alone(target: Target) -> None:
    bring_up_to_date(target, NEW)
    before = target.path.stat()
    assert not bring_up_to_date(target, NEW)
    assert target.path.stat() == before


@pytest.mark.parametrize("there", [b"", b"ne", b"newer", b"old", b"\xff"])
def test_a_file_with_other_content_is_replaced(there: bytes, target: Target) -> None:
    target.path.write_bytes(there)
    assert bring_up_to_date(target, NEW)
    assert target.path.read_bytes() == b"new"


def test_an_empty_file_is_not_a_missing_one(target: Target) -> None:
    assert bring_up_to_date(target, Secret(""))
    assert target.path.read_bytes() == b""
    assert not bring_up_to_date(target, Secret(""))


def test_a_wrong_mode_is_put_right_and_is_no_change_of_content(target: Target) -> None:
    bring_up_to_date(target, NEW)
    target.path.chmod(0o644)
    assert not bring_up_to_date(target, NEW)
    assert mode(target.path) == 0o600


@as_root
def test_owner_and_group_are_those_asked_for(target: Target) -> None:
    owned = Target(target.path, 0o440, uid=4711, gid=4712)
    assert prove(owned) == []
    assert bring_up_to_date(owned, NEW)
    assert not bring_up_to_date(owned, NEW)
    status = target.path.stat()
    assert (status.st_uid, status.st_gid, mode(target.path)) == (4711, 4712, 0o440)
    only_group = Target(target.path, 0o440, gid=4713)
    assert not bring_up_to_date(only_group, NEW)
    assert (target.path.stat().st_uid, target.path.stat().st_gid) == (os.geteuid(), 4713)


def test_a_symlink_is_replaced_and_what_it_leads_to_stays(target: Target) -> None:
    elsewhere = target.path.with_name("elsewhere")
    elsewhere.write_bytes(b"new")
    target.path.symlink_to(elsewhere)
    assert prove(target) == []
    assert bring_up_to_date(target, NEW)
    assert not target.path.is_symlink()
    target.path.unlink()
    target.path.symlink_to(elsewhere)
    assert bring_up_to_date(target, OLD)
    assert (target.path.read_bytes(), elsewhere.read_bytes()) == (b"old", b"new")


def test_a_hard_link_to_the_old_file_keeps_the_old_content(target: Target) -> None:
    bring_up_to_date(target, OLD)
    link = target.path.with_name("link")
    link.hardlink_to(target.path)
    bring_up_to_date(target, NEW)
    assert link.read_bytes() == b"old"


def test_a_pipe_put_in_the_place_makes_nobody_wait(target: Target) -> None:
    os.mkfifo(target.path)
    assert bring_up_to_date(target, NEW)
    assert target.path.read_bytes() == b"new"


@as_root
def test_a_failure_leaves_the_old_file_and_nothing_beside_it(
    open_directory: Path, ordinary_user: OrdinaryUser
) -> None:
    path = open_directory / "file"
    with ordinary_user():
        bring_up_to_date(Target(path, 0o600), OLD)
        with pytest.raises(OSError, match="Operation not permitted"):
            bring_up_to_date(Target(path, 0o600, uid=4711), NEW)
    assert list(open_directory.iterdir()) == [path]
    assert path.read_bytes() == b"old"


KILLED_WHILE_WRITING = """
import os, sys
from pathlib import Path
from sidecar.delivery.kept_file import KeptFile
from sidecar.file_target import Target
from sidecar.redaction import Secret

def die(*_):
    os._exit(9)

setattr(os, sys.argv[2], die)
KeptFile(Target(Path(sys.argv[1]), 0o600)).bring_up_to_date(Secret("new" * 100_000))
"""


@pytest.mark.parametrize("at", ["fchmod", "fsync", "replace"])
def test_a_crash_leaves_the_old_file_whole(at: str, target: Target) -> None:
    bring_up_to_date(target, OLD)
    words = [sys.executable, "-c", KILLED_WHILE_WRITING, str(target.path), at]
    assert subprocess.run(words, check=False).returncode == 9
    assert target.path.read_bytes() == b"old"
    assert len(list(target.path.parent.iterdir())) == 2
    remove_leftovers(target)
    assert list(target.path.parent.iterdir()) == [target.path]


@as_root
@pytest.mark.parametrize("dropped", [{"uid": 4711}, {"gid": 4712}])
def test_an_owner_or_group_no_longer_asked_for_is_taken_back(
    dropped: dict[str, int], target: Target
) -> None:
    bring_up_to_date(Target(target.path, 0o600, **dropped), NEW)
    assert not bring_up_to_date(target, NEW)
    status = target.path.stat()
    assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())


def inode(target: Target) -> int:
    return target.path.stat().st_ino


def test_an_owner_that_the_file_system_chooses_is_written_once(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "looks_right", lambda *_: False)
    kept = KeptFile(target)
    assert kept.bring_up_to_date(NEW)
    before = inode(target)
    assert not kept.bring_up_to_date(NEW)
    assert inode(target) == before


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file be read back, as when another user alone may."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(kept_file, "read_regular_file", refuse)


@pytest.mark.usefixtures("unreadable")
def test_a_file_that_cannot_be_read_back_is_written_once(target: Target) -> None:
    kept = KeptFile(target)
    assert kept.bring_up_to_date(NEW)
    before = inode(target)
    assert not kept.bring_up_to_date(NEW)
    assert inode(target) == before
    assert kept.bring_up_to_date(OLD)
    assert target.path.read_bytes() == b"old"


def touched(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def swapped(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"bad")
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    other.rename(path)


def lengthened(path: Path) -> None:
    before = path.stat().st_mtime_ns
    path.write_bytes(b"longer")
    os.utime(path, ns=(before, before))


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize(
    ("harm", "changed"),
    [
        (touched, True),
        (swapped, True),
        (lengthened, True),
        (Path.unlink, True),
        (lambda path: path.chmod(0o644), False),
    ],
    ids=["touched", "swapped", "lengthened", "removed", "given another mode"],
)
def test_a_file_that_cannot_be_read_back_is_put_right_when_somebody_touches_it(
    harm: Callable[[Path], None], changed: bool, target: Target
) -> None:
    kept = KeptFile(target)
    kept.bring_up_to_date(NEW)
    harm(target.path)
    assert kept.bring_up_to_date(NEW) is changed
    assert (target.path.read_bytes(), mode(target.path)) == (b"new", 0o600)
    assert not kept.bring_up_to_date(NEW)


@pytest.mark.parametrize("bits", [0o600, 0o644], ids=["left alone", "given another mode"])
def test_a_change_whose_writing_fails_after_all_is_told_at_the_next_look(
    bits: int, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptFile(target)
    with monkeypatch.context() as patched:
        patched.setattr("sidecar.atomic_file.sync_directory", broken)
        with pytest.raises(OSError, match="disk"):
            kept.bring_up_to_date(NEW)
    assert target.path.read_bytes() == b"new"
    target.path.chmod(bits)
    assert kept.bring_up_to_date(NEW)
    assert not kept.bring_up_to_date(NEW)


def broken(_: Path) -> None:
    raise OSError(errno.EIO, "disk")
