"""The credentials file on disk: modes, owners, links, and what a failure leaves behind."""

import os
import pwd
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

import pytest

from sidecar.credentials_file.rewrite import default_file, rewrite_profile
from sidecar.errors import OperatorError
from sidecar.file_lock import locked

ENTRIES = {"aws_access_key_id": "ASIANEW"}
WRITTEN = b"[default]\naws_access_key_id = ASIANEW\n"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_missing_file_is_made_for_its_owner_only_and_so_are_its_directories(
    tmp_path: Path,
) -> None:
    file = tmp_path / "home" / ".aws" / "credentials"
    rewrite_profile(file, "default", ENTRIES)
    assert file.read_bytes() == WRITTEN
    assert (_mode(file), _mode(file.parent), _mode(file.parent.parent)) == (0o600, 0o700, 0o700)


@pytest.mark.parametrize(
    ("before", "after"), [(0o600, 0o600), (0o644, 0o600), (0o660, 0o600), (0o400, 0o400)]
)
def test_a_file_s_mode_is_never_widened_and_others_lose_theirs(
    tmp_path: Path, before: int, after: int
) -> None:
    file = tmp_path / "credentials"
    file.touch()
    file.chmod(before)
    rewrite_profile(file, "default", ENTRIES)
    assert (_mode(file), file.read_bytes()) == (after, WRITTEN)


def test_the_mode_of_a_directory_that_exists_is_the_user_s_affair(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws").chmod(0o755)
    rewrite_profile(tmp_path / ".aws/credentials", "default", ENTRIES)
    assert _mode(tmp_path / ".aws") == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_root_renews_stays_its_owner_s(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.touch(mode=0o600)
    os.chown(file, 65534, 65533)
    rewrite_profile(file, "default", ENTRIES)
    assert (file.stat().st_uid, file.stat().st_gid) == (65534, 65533)


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    file, link = tmp_path / "dotfiles" / "credentials", tmp_path / "credentials"
    file.touch(mode=0o600)
    (tmp_path / "hop").symlink_to("dotfiles/credentials")
    link.symlink_to(tmp_path / "hop")
    rewrite_profile(link, "default", ENTRIES)
    assert (link.is_symlink(), file.is_symlink(), file.read_bytes()) == (True, False, WRITTEN)
    assert {each.name for each in tmp_path.iterdir()} == {"dotfiles", "hop", "credentials"}


def test_a_link_that_leads_nowhere_yet_is_followed_too(tmp_path: Path) -> None:
    link = tmp_path / "credentials"
    link.symlink_to("new/credentials")
    rewrite_profile(link, "default", ENTRIES)
    assert (tmp_path / "new/credentials").read_bytes() == WRITTEN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's link")
def test_another_user_s_link_is_refused(tmp_path: Path) -> None:
    link, file = tmp_path / "credentials", tmp_path / "file"
    link.symlink_to(file)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    with pytest.raises(OperatorError, match="is a link that belongs to another user"):
        rewrite_profile(link, "default", ENTRIES)
    assert not file.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's link")
def test_another_user_s_link_to_a_directory_is_refused(tmp_path: Path) -> None:
    link, directory = tmp_path / "link", tmp_path / "directory"
    directory.mkdir()
    link.symlink_to(directory)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    with pytest.raises(OperatorError, match=f"{link} is a link that belongs to another user"):
        rewrite_profile(link / "credentials", "default", ENTRIES)
    assert list(directory.iterdir()) == []


def test_one_s_own_link_to_a_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    rewrite_profile(tmp_path / "link" / ".." / "credentials", "default", ENTRIES)
    assert (tmp_path / "a" / "credentials").read_bytes() == WRITTEN


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "credentials"
    link.symlink_to("credentials")
    with pytest.raises(OperatorError, match="leads in a circle"):
        rewrite_profile(link, "default", ENTRIES)


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left = tmp_path / ".credentials.0123456789ab"
    others = [".config.0123456789ab", ".credentials.swp", "credentials.bak", ".credentials.lock"]
    for name in (left.name, *others):
        (tmp_path / name).touch()
    rewrite_profile(tmp_path / "credentials", "default", ENTRIES)
    assert {each.name for each in tmp_path.iterdir()} == {"credentials", *others}


def test_a_file_that_cannot_be_parsed_keeps_every_byte(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_bytes(b"no profile")
    with pytest.raises(OperatorError, match="cannot be parsed"):
        rewrite_profile(file, "default", ENTRIES)
    assert file.read_bytes() == b"no profile"


def test_a_directory_that_cannot_be_written_to_is_named(
    tmp_path: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    file = tmp_path / "credentials"
    file.write_bytes(b"[default]\n")
    tmp_path.chmod(0o555)
    with ordinary_user(), pytest.raises(OperatorError, match="Permission denied") as refused:
        rewrite_profile(file, "default", ENTRIES)
    assert refused.value.hint.startswith("check ")
    assert file.read_bytes() == b"[default]\n"


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_bytes(b"#" * 1_000_001)
    with pytest.raises(OperatorError, match="larger than 1000000 bytes"):
        rewrite_profile(file, "default", ENTRIES)


def test_a_lock_that_is_never_given_back_is_a_failure_not_a_wait_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.credentials_file.rewrite._PATIENCE_SECONDS", 0)
    file = tmp_path / "credentials"
    with (
        locked(tmp_path / ".credentials.lock", patience_seconds=0),
        pytest.raises(OperatorError, match="another process holds the lock"),
    ):
        rewrite_profile(file, "default", ENTRIES)
    assert not file.exists()


def test_the_file_is_where_sdks_look_for_it() -> None:
    assert default_file({"AWS_SHARED_CREDENTIALS_FILE": "~/x"}) == Path.home() / "x"
    assert default_file({"AWS_SHARED_CREDENTIALS_FILE": ""}) == Path.home() / ".aws/credentials"
    assert default_file({}) == Path.home() / ".aws/credentials"


def test_variables_in_its_name_are_put_in_as_botocore_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", str(tmp_path))
    named = {"AWS_SHARED_CREDENTIALS_FILE": "$PLACE/x"}
    assert default_file(named) == tmp_path / "x"
    monkeypatch.setenv("PLACE", "~")
    assert default_file(named) == Path.home() / "x"


def test_a_user_without_a_home_is_told_which_variable_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(OperatorError, match="there is no such home directory") as refused:
        default_file({})
    assert "AWS_SHARED_CREDENTIALS_FILE" in refused.value.hint
