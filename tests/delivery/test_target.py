"""Where files are written: what is refused at start, and what a reader may see meanwhile."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sidecar.delivery.target import (
    Target,
    bring_up_to_date,
    group_number,
    prove,
    remove_leftovers,
    user_number,
)
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

OrdinaryUser = Callable[[], AbstractContextManager[None]]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, which only root can")

OLD, NEW = Secret("old"), Secret("new")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path / "file", 0o600)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


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
from sidecar.delivery.target import Target, bring_up_to_date
from sidecar.redaction import Secret

def die(*_):
    os._exit(9)

setattr(os, sys.argv[2], die)
bring_up_to_date(Target(Path(sys.argv[1]), 0o600), Secret("new" * 100_000))
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


def test_only_leftovers_of_this_very_file_are_removed(target: Target) -> None:
    hexadecimal = "0123456789ab"
    others = [f".other.{hexadecimal}", f".file.{hexadecimal}0", f"file.{hexadecimal}", "file.bak"]
    for name in (*others, f".file.{hexadecimal}"):
        target.path.with_name(name).touch()
    remove_leftovers(target)
    assert sorted(each.name for each in target.path.parent.iterdir()) == sorted(others)


@pytest.mark.parametrize("there", ["directory", "pipe", "socket-like device"])
def test_what_is_no_file_is_refused_at_start(there: str, target: Target) -> None:
    if there == "directory":
        target.path.mkdir()
    elif there == "pipe":
        os.mkfifo(target.path)
    else:
        target = Target(Path("/dev/null"), 0o600)
    with pytest.raises(OperatorError, match="is there and no file"):
        prove(target)


def test_a_missing_directory_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        prove(Target(tmp_path / "no" / "file", 0o600))
    assert (
        caught.value.message == f"{tmp_path}/no/file cannot be written: No such file or directory"
    )
    assert caught.value.hint == f"check {tmp_path}/no"


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ({"uid": 4711}, "mode 0600 and owner 4711"),
        ({"gid": 4712}, "mode 0600 and group 4712"),
        ({"uid": 4711, "gid": 4712}, "mode 0600 and owner 4711 and group 4712"),
    ],
)
def test_an_owner_that_cannot_be_given_is_refused_at_start(
    owner: dict[str, int], said: str, open_directory: Path, ordinary_user: OrdinaryUser
) -> None:
    path = open_directory / "file"
    with ordinary_user():
        assert len(prove(Target(path, 0o600))) == 1
        with pytest.raises(OperatorError) as caught:
            prove(Target(path, 0o600, **owner))
    problem = f"{path} cannot be written with {said}: Operation not permitted"
    assert caught.value.message == problem
    assert "CAP_CHOWN" in caught.value.hint
    assert list(open_directory.iterdir()) == []


def test_a_sound_place_is_proved_and_left_as_it_was(target: Target) -> None:
    target.path.parent.chmod(0o700)
    assert prove(target) == []
    assert list(target.path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("directory", "bits", "warnings"),
    [
        (0o755, 0o644, ["mode 0644 lets everybody read it"]),
        (0o1777, 0o600, ["everybody may write into its directory"]),
        (0o777, 0o604, ["mode 0604 lets everybody", "everybody may write into"]),
        (0o750, 0o640, []),
    ],
)
def test_who_else_comes_near_is_told(
    directory: int, bits: int, warnings: list[str], target: Target
) -> None:
    target.path.parent.chmod(directory)
    found = prove(Target(target.path, bits))
    assert len(found) == len(warnings)
    for told, expected in zip(found, warnings, strict=True):
        assert expected in told


def test_users_and_groups_go_by_name_or_number() -> None:
    assert (user_number("root"), user_number("4711")) == (0, 4711)
    assert (group_number("root"), group_number("4712")) == (0, 4712)


@pytest.mark.parametrize(("kind", "look_up"), [("user", user_number), ("group", group_number)])
def test_an_unknown_name_is_refused(kind: str, look_up: Callable[[str], int]) -> None:
    with pytest.raises(OperatorError, match=f"there is no {kind} 'nobody-of-this-name'"):
        look_up("nobody-of-this-name")
