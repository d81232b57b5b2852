"""Where files are written: what is refused at start, and what a right file looks like."""

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sidecar.errors import OperatorError
from sidecar.file_target import (
    Target,
    group_number,
    prove,
    remove_leftovers,
    user_number,
)

OrdinaryUser = Callable[[], AbstractContextManager[None]]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, which only root can")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path / "file", 0o600)


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


def test_a_directory_that_cannot_be_flushed_is_refused_at_start(
    open_directory: Path, ordinary_user: OrdinaryUser
) -> None:
    open_directory.chmod(0o733)
    target = Target(open_directory / "file", 0o600)
    with ordinary_user(), pytest.raises(OperatorError, match="cannot be written"):
        prove(target)
    assert list(open_directory.iterdir()) == []


def test_a_leftover_that_cannot_be_removed_keeps_no_other(target: Target) -> None:
    directory = target.path.with_name(".file.000000000000")
    directory.mkdir()
    for count in range(1, 9):
        target.path.with_name(f".file.{count:012x}").touch()
    remove_leftovers(target)
    assert list(target.path.parent.iterdir()) == [directory]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ((4711, -1, 0o600), False),
        ((-1, 4712, 0o600), False),
        ((-1, -1, 0o640), False),
        ((-1, -1, 0o600), True),
    ],
)
def test_without_an_owner_a_file_must_look_like_a_new_one(
    wrong: tuple[int, int, int], right: bool, target: Target
) -> None:
    target.path.touch(0o600)
    real = target.path.stat()
    uid, gid = (
        old if new == -1 else new
        for old, new in zip((real.st_uid, real.st_gid), wrong[:2], strict=True)
    )
    status = os.stat_result((stat.S_IFREG | wrong[2], *real[1:4], uid, gid, *real[6:]))
    assert target.looks_right(status) is right


@as_root
def test_without_a_group_the_directory_may_hand_on_its_own(target: Target) -> None:
    os.chown(target.path.parent, -1, 4712)
    target.path.parent.chmod(0o2755)
    target.path.touch(0o600)
    assert target.path.stat().st_gid == 4712
    assert target.looks_right(target.path.stat())
    os.chown(target.path, -1, os.getegid())
    assert not target.looks_right(target.path.stat())
