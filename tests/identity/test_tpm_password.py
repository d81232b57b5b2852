"""Passwords of TPM keys: where they are needed, and that a wrong one is sent once."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.errors import IdentityError
from sidecar.identity import tpm as door
from sidecar.identity.password import (
    NoPassword,
    NoPasswordSource,
    Password,
    PasswordFile,
    PasswordGiven,
    PasswordPrompt,
    PasswordVariable,
)
from sidecar.identity.remembered_password import RememberedPassword
from sidecar.identity.signing_key import SigningKey
from sidecar.redaction import Secret
from tests.identity.swtpm import SIGNING, Eventually, SwTpm, sw_tpm

RIGHT, WRONG = PasswordGiven(Secret("r1ght")), PasswordGiven(Secret("tops3cret"))
NONE = NoPasswordSource()


@pytest.fixture
def tpm(tmp_path: Path, eventually: Eventually) -> Iterator[SwTpm]:
    with sw_tpm(tmp_path, eventually) as tpm:
        yield tpm


@dataclass(frozen=True)
class Locked:
    """A TPM with a key that has a password."""

    tpm: SwTpm
    handle: int

    def open(self, password: Password) -> SigningKey:
        return door.open_handle(self.handle, tcti=self.tpm.tcti, password=password)

    def wrong_passwords(self) -> int:
        """Give the count that the TPM itself keeps."""
        printed = self.tpm.run("tpm2_getcap", "properties-variable")
        return int(printed.partition("TPM2_PT_LOCKOUT_COUNTER: ")[2].split()[0], 16)


@pytest.fixture
def locked(tpm: SwTpm) -> Locked:
    parent = tpm.persist_primary()
    tpm.create("ecc256", parent, SIGNING, "-p", "r1ght")
    return Locked(tpm, tpm.persist(parent))


def test_a_wrong_password_is_counted_once_however_often_it_is_tried(locked: Locked) -> None:
    with pytest.raises(IdentityError, match="TPM key 0x81000002 refused the password") as told:
        locked.open(WRONG).sign(b"x")
    assert "tops3cret" not in str(told.value) + told.value.hint
    for _ in range(2):
        with pytest.raises(IdentityError, match="was refused before and is not sent again"):
            locked.open(WRONG).sign(b"x")
    assert locked.wrong_passwords() == 1


def test_the_right_password_after_a_wrong_one_signs(locked: Locked, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("tops3cret")
    key = locked.open(PasswordFile(file))
    with pytest.raises(IdentityError, match="refused the password"):
        key.sign(b"x")
    file.write_text("r1ght\n")
    assert key.sign(b"x")


def test_a_missing_password_is_tried_as_the_empty_one_once(locked: Locked) -> None:
    key = locked.open(NONE)
    with pytest.raises(IdentityError, match="refused the password"):
        key.sign(b"x")
    with pytest.raises(IdentityError, match="was refused before"):
        key.sign(b"x")
    assert locked.wrong_passwords() == 1


def test_the_last_try_is_left_to_a_human(locked: Locked) -> None:
    locked.tpm.run("tpm2_dictionarylockout", "-s", "-n", "2", "-t", "1000", "-l", "1000")
    good = locked.open(RIGHT)
    assert good.sign(b"x")
    with pytest.raises(IdentityError, match="refused the password"):
        locked.open(WRONG).sign(b"x")
    with pytest.raises(IdentityError, match="counted 1 wrong passwords and locks itself at 2"):
        locked.open(RIGHT).sign(b"x")
    assert good.sign(b"x"), "what the TPM has accepted from us before is no risk"


def test_a_locked_tpm_is_told(locked: Locked) -> None:
    good = locked.open(RIGHT)
    assert good.sign(b"x")
    locked.tpm.run("tpm2_dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000")
    with pytest.raises(IdentityError, match="refused the password"):
        locked.open(WRONG).sign(b"x")
    with pytest.raises(IdentityError, match="the TPM is locked after too many wrong passwords"):
        good.sign(b"x")


def test_wrong_passwords_of_a_key_that_is_not_counted_do_not_matter(tpm: SwTpm) -> None:
    parent = tpm.persist_primary()
    tpm.create("ecc256", parent, SIGNING, "-p", "r1ght")
    counted = Locked(tpm, tpm.persist(parent))
    tpm.run("tpm2_dictionarylockout", "-s", "-n", "2", "-t", "1000", "-l", "1000")
    with pytest.raises(IdentityError, match="refused the password"):
        counted.open(WRONG).sign(b"x")
    tpm.create("ecc256", parent, f"{SIGNING}|noda", "-p", "r1ght")
    free = Locked(tpm, tpm.persist(parent, "0x81000003"))
    assert free.open(RIGHT).sign(b"x")


@pytest.mark.parametrize("algorithm", ["group:P-256", "bits:2048"])
def test_a_file_with_a_password_asks_for_it(algorithm: str, tpm: SwTpm) -> None:
    pem = tpm.openssl_key(algorithm, "user-auth:r1ght")
    key = door.open_tss2(pem, tcti=tpm.tcti, password=RIGHT)
    assert key.sign(b"x")
    with pytest.raises(NoPassword, match="the TPM key needs a password"):
        door.open_tss2(pem, tcti=tpm.tcti, password=NONE).sign(b"x")
    with pytest.raises(IdentityError, match="the TPM key refused the password"):
        door.open_tss2(pem, tcti=tpm.tcti, password=WRONG).sign(b"x")


def test_a_file_that_denies_its_password_is_opened_with_the_one_that_is_configured(
    tpm: SwTpm,
) -> None:
    """tpm2_encodeobject 5.4 writes emptyAuth the wrong way round."""
    parent = tpm.persist_primary()
    tpm.create("ecc256", parent, SIGNING, "-p", "r1ght")
    pem = tpm.encode(parent, "-p")
    assert door.open_tss2(pem, tcti=tpm.tcti, password=RIGHT).sign(b"x")


class Asking(PasswordPrompt):
    """A prompt with somebody in front of it."""

    def read(self, what: str) -> Secret:
        return Secret(f"the password of {what}")


def test_nobody_is_asked_for_the_password_of_a_file_without_one(tpm: SwTpm) -> None:
    pem = tpm.openssl_key("group:P-256")
    assert door.open_tss2(pem, tcti=tpm.tcti, password=Asking()).sign(b"x")
    pem = tpm.openssl_key("group:P-256", "user-auth:the password of the TPM key")
    assert door.open_tss2(pem, tcti=tpm.tcti, password=Asking()).sign(b"x")


def test_nobody_is_asked_through_a_source_that_remembers(tpm: SwTpm) -> None:
    pem = tpm.openssl_key("group:P-256")
    assert door.open_tss2(pem, tcti=tpm.tcti, password=RememberedPassword(Asking())).sign(b"x")


def test_a_password_in_a_variable_may_be_any_bytes(tpm: SwTpm) -> None:
    raw = b"r\xe9sum\xe9"
    source = PasswordVariable("PW", {"PW": os.fsdecode(raw)})
    parent = tpm.persist_primary()
    tpm.create("ecc256", parent, SIGNING, "-p", f"hex:{raw.hex()}")
    locked = Locked(tpm, tpm.persist(parent))
    assert locked.open(source).sign(b"x")


def test_a_password_that_no_tpm_can_hold_is_not_sent(locked: Locked) -> None:
    with pytest.raises(IdentityError, match="the password of TPM key 0x81000002 is longer than 64"):
        locked.open(PasswordGiven(Secret("x" * 65))).sign(b"x")
    assert locked.wrong_passwords() == 0
    with pytest.raises(IdentityError, match="refused the password"):
        locked.open(PasswordGiven(Secret("x" * 64))).sign(b"x")
