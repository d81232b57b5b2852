"""Atomic writes: whole content or the old one, never through a link, never left-overs."""

import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast

import pytest

from sidecar.atomic_file import write_atomically


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_bytes(b"old")
    return path


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_appears_with_its_content(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new", b"\x00content\xff")
    assert (tmp_path / "new").read_bytes() == b"\x00content\xff"


def test_an_old_file_is_replaced_and_its_open_readers_keep_it(target: Path) -> None:
    with target.open("rb") as reader:
        write_atomically(target, b"new")
        assert reader.read() == b"old"
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644], ids=oct)
def test_the_mode_is_the_one_asked_for_whatever_the_umask(
    mode: int, umask: int, target: Path
) -> None:
    before = os.umask(umask)
    try:
        write_atomically(target, b"new", mode=mode)
    finally:
        os.umask(before)
    assert _mode(target) == mode


def test_without_a_mode_only_the_owner_may_read(target: Path) -> None:
    target.chmod(0o644)
    write_atomically(target, b"new")
    assert _mode(target) == 0o600


@pytest.mark.parametrize("dangling", [False, True], ids=["a link", "a dangling link"])
def test_a_link_at_the_target_is_replaced_and_not_followed(
    dangling: bool, target: Path, tmp_path: Path
) -> None:
    link, victim = tmp_path / "link", tmp_path / "missing" if dangling else target
    link.symlink_to(victim)
    write_atomically(link, b"new")
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"
    assert not victim.exists() if dangling else victim.read_bytes() == b"old"


@pytest.mark.parametrize("planted", ["file", "link"])
def test_a_planted_temporary_is_refused_and_left_alone(
    planted: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    temporary = target.with_name(".token.guessed")
    if planted == "file":
        temporary.write_bytes(b"planted")
    else:
        temporary.symlink_to(target)
    with pytest.raises(FileExistsError):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.path.lexists(temporary)


@contextmanager
def _full_disk() -> Iterator[None]:
    """Refuse every write past the fourth byte of a file, as a full disk would.

    It holds for the whole process, the file that pytest's own output may go to included, so it must
    be over before pytest says anything.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file_and_nothing_else(target: Path) -> None:
    with pytest.raises(OSError, match="File too large"), _full_disk():
        write_atomically(target, b"longer than four bytes")
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]


def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(target: Path) -> None:
    with pytest.raises(TypeError):
        write_atomically(target, cast("bytes", object()))
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]


def test_a_directory_at_the_target_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "directory", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "directory"]


def test_a_missing_directory_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "token", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_may_not_be_written_to_keeps_the_old_file(
    target: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    target.parent.chmod(0o555)
    with ordinary_user(), pytest.raises(PermissionError):
        write_atomically(target, b"new")
    target.parent.chmod(0o755)
    assert target.read_bytes() == b"old"


def test_file_and_directory_are_flushed_to_disk(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[bool] = []
    monkeypatch.setattr("os.fsync", lambda fd: flushed.append(stat.S_ISDIR(os.fstat(fd).st_mode)))
    write_atomically(target, b"new")
    assert flushed == [False, True]


def test_before_a_file_has_its_owner_nobody_else_can_open_it(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr("os.fchown", lambda fd, *_: seen.append(os.fstat(fd).st_mode & 0o7777))
    write_atomically(target, b"new", mode=0o644, owner=(4711, 4712))
    assert seen == [0o600]
    assert _mode(target) == 0o644
