"""Findings on a private key's file and its directory."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from sidecar.identity.checks import Finding, Severity, check_key_file
from sidecar.identity.examined import examine
from sidecar.identity.key_file_checks import check_password_file
from sidecar.identity.password import PasswordFile
from sidecar.identity.places import IdentityPlaces


@pytest.fixture
def key(tmp_path: Path) -> Path:
    directory = tmp_path / "keys"
    directory.mkdir(0o755)
    path = directory / "workload.key"
    path.touch(0o600)
    return path


def _codes(path: Path) -> list[str]:
    return [each.code for each in check_key_file(path)]


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_key_file_for_its_owner_only_is_fine(mode: int, key: Path) -> None:
    key.chmod(mode)
    assert check_key_file(key) == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602])
def test_a_key_file_that_others_may_use_is_warned_of(mode: int, key: Path) -> None:
    key.chmod(mode)
    assert check_key_file(key) == [
        Finding(
            "key-file-mode",
            Severity.WARNING,
            f"private key {key} has mode {mode:04o}: other users may use it",
            f"chmod 600 {key}",
        )
    ]


@pytest.mark.parametrize(
    ("mode", "codes"),
    [
        (0o755, []),
        (0o770, []),
        (0o1777, []),
        (0o777, ["key-directory-mode"]),
        (0o702, ["key-directory-mode"]),
    ],
)
def test_a_directory_in_which_anybody_may_replace_the_key_is_warned_of(
    mode: int, codes: list[str], key: Path
) -> None:
    key.parent.chmod(mode)
    assert _codes(key) == codes


@pytest.mark.parametrize(("mode", "codes"), [(0o755, []), (0o777, ["key-directory-mode"])])
def test_the_directory_behind_a_link_counts_as_well(
    mode: int, codes: list[str], key: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.key"
    link.symlink_to(key)
    key.parent.chmod(mode)
    assert _codes(link) == codes


def _given_away(path: Path) -> None:
    os.chown(path, 4711, -1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize(
    ("prepare", "codes"), [(lambda _: None, []), (_given_away, ["key-file-owner"])]
)
def test_a_key_of_another_user_is_warned_of(
    prepare: Callable[[Path], None], codes: list[str], key: Path
) -> None:
    prepare(key)
    assert _codes(key) == codes


def test_a_key_that_is_gone_has_no_finding(key: Path) -> None:
    key.unlink()
    assert check_key_file(key) == []
    assert check_password_file(key) == []


@pytest.mark.parametrize(
    ("mode", "codes"), [(0o600, []), (0o400, []), (0o640, ["password-file-mode"])]
)
def test_a_password_file_that_others_may_use_is_warned_of(
    mode: int, codes: list[str], key: Path
) -> None:
    key.chmod(mode)
    assert [each.code for each in check_password_file(key)] == codes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_password_file_of_another_user_is_warned_of(key: Path) -> None:
    _given_away(key)
    assert [each.code for each in check_password_file(key)] == ["password-file-owner"]


def test_the_password_file_of_an_identity_is_looked_at(
    key: Path, certificate_file: Path, key_file: Path, now: datetime
) -> None:
    key.chmod(0o644)
    places = IdentityPlaces(
        certificate=str(certificate_file), private_key=str(key_file), password=PasswordFile(key)
    )
    assert "password-file-mode" in [each.code for each in examine(places, now).findings]
