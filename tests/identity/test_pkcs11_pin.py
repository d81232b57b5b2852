"""PINs: where they come from, and that a token never hears a wrong one twice."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest
from pkcs11 import PinIncorrect, TokenFlag

from sidecar.errors import IdentityError
from sidecar.identity import pkcs11
from sidecar.identity.kept_password import KeptPassword
from sidecar.identity.password import NoPasswordSource, Password, PasswordFile, PasswordGiven
from sidecar.identity.pkcs11_token import TokenSession, access_to, check_tries
from sidecar.identity.pkcs11_uri import parse_uri
from sidecar.identity.signing_key import SigningKey
from sidecar.redaction import Secret
from tests.identity.softhsm import PIN, TOKEN, SoftHsm, soft_hsm

URI = f"{TOKEN};object=mine"
WRONG = "tops3cret"
RIGHT = PasswordGiven(Secret(PIN))


@dataclass
class Asked:
    """A source that counts."""

    asks: ClassVar[bool] = True

    answer: str
    asked_for: list[str] = field(default_factory=list)

    def read(self, what: str) -> Secret:
        self.asked_for.append(what)
        return Secret(self.answer)


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        hsm.generate("01", "mine", "EC:prime256v1")
        yield hsm


def _open(hsm: SoftHsm, pin: Password, uri: str = URI) -> SigningKey:
    return pkcs11.open_key(uri, module=hsm.module, pin=pin)


def test_the_pin_of_the_uri_goes_before_the_configured_one(hsm: SoftHsm, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n")
    configured = Asked(WRONG)
    for query in (f"pin-value={PIN}", f"pin-source=file:{file}", f"pin-source={file}"):
        assert _open(hsm, configured, f"{URI}?{query}").sign(b"x")
    assert configured.asked_for == []


def test_a_missing_pin_file_is_told(hsm: SoftHsm) -> None:
    with pytest.raises(IdentityError, match="password file /nowhere/pin cannot be read"):
        _open(hsm, NoPasswordSource(), f"{URI}?pin-source=/nowhere/pin")


def test_a_source_is_asked_once_for_any_number_of_signatures(hsm: SoftHsm) -> None:
    source = Asked(PIN)
    key = _open(hsm, source)
    assert key.sign(b"x")
    assert key.sign(b"x")
    assert source.asked_for == ["token 'test token'"]


def test_a_refused_pin_is_told_without_showing_it(hsm: SoftHsm) -> None:
    with pytest.raises(IdentityError, match="token 'test token' refused the PIN") as refused:
        _open(hsm, RIGHT, f"{URI}?pin-value={WRONG}")
    assert WRONG not in str(refused.value) + refused.value.hint
    assert hsm.was_told_a_wrong_pin()


def test_a_refused_pin_is_never_sent_again(hsm: SoftHsm) -> None:
    with pytest.raises(IdentityError, match="refused the PIN"):
        _open(hsm, PasswordGiven(Secret(WRONG)))
    # Were it sent again, it would be accepted now.
    hsm.change_pin(PIN, WRONG)
    with pytest.raises(IdentityError, match="was refused before and is not sent again"):
        _open(hsm, PasswordGiven(Secret(WRONG)))


def test_another_pin_is_tried_after_a_refused_one(hsm: SoftHsm, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text(WRONG)
    with pytest.raises(IdentityError, match="refused the PIN"):
        _open(hsm, PasswordFile(file))
    file.write_text(PIN)
    assert _open(hsm, PasswordFile(file)).sign(b"x")


def test_a_pin_that_one_token_refused_may_be_right_for_another(hsm: SoftHsm) -> None:
    with pytest.raises(IdentityError, match="refused the PIN"):
        _open(hsm, PasswordGiven(Secret(WRONG)))
    hsm.create_token("other", pin=WRONG)
    with pytest.raises(IdentityError, match="there is no private key"):
        _open(hsm, PasswordGiven(Secret(WRONG)), "pkcs11:token=other")


def test_a_key_in_use_asks_anew_when_the_pin_of_its_token_was_changed(hsm: SoftHsm) -> None:
    source = Asked(PIN)
    key = _open(hsm, source)
    hsm.change_pin(PIN, "998877")
    hsm.forget()
    with pytest.raises(IdentityError, match="refused the PIN"):
        key.sign(b"x")
    with pytest.raises(IdentityError, match="was refused before"):
        key.sign(b"x")
    source.answer = "998877"
    assert key.sign(b"x")


def test_a_pin_that_is_refused_for_one_signature_is_not_sent_for_the_next(hsm: SoftHsm) -> None:
    access = access_to(parse_uri(URI), hsm.module, KeptPassword(RIGHT, "PIN"))
    attempts = []

    def refuse(opened: TokenSession) -> None:
        attempts.append(opened)
        raise PinIncorrect

    for problem in ("refused the PIN", "was refused before"):
        with pytest.raises(IdentityError, match=problem):
            access.run(refuse, login=True)
    assert len(attempts) == 1


def test_a_login_that_fails_otherwise_is_told_and_not_repeated(hsm: SoftHsm) -> None:
    hsm.create_token_without_pin("fresh")
    source = Asked(PIN)
    with pytest.raises(IdentityError, match=r"the token of .* failed: UserPinNotInitialized$"):
        _open(hsm, source, "pkcs11:token=fresh;object=mine")
    assert source.asked_for == ["token 'fresh'"]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (TokenFlag.USER_PIN_LOCKED, "token 'x' is locked after too many wrong PINs"),
        (TokenFlag.USER_PIN_FINAL_TRY, "token 'x' has one try left before it locks itself"),
        (
            TokenFlag.USER_PIN_COUNT_LOW | TokenFlag.USER_PIN_FINAL_TRY,
            "token 'x' has one try left before it locks itself",
        ),
    ],
)
def test_the_last_try_is_never_used(flags: TokenFlag, problem: str) -> None:
    with pytest.raises(IdentityError, match=problem):
        check_tries(flags, "token 'x'")


@pytest.mark.parametrize(
    "flags", [TokenFlag(0), TokenFlag.LOGIN_REQUIRED, TokenFlag.USER_PIN_COUNT_LOW]
)
def test_a_token_with_more_tries_is_logged_in_to(flags: TokenFlag) -> None:
    check_tries(flags, "token 'x'")


@dataclass(frozen=True)
class LastTry:
    """A token on which somebody else has mistyped the PIN."""

    label: str = "strict"
    flags: TokenFlag = TokenFlag.USER_PIN_FINAL_TRY

    def open(self, user_pin: str) -> str:
        return f"a session by {user_pin}"


def test_only_a_pin_that_was_accepted_before_is_sent_at_the_last_try() -> None:
    facts = {"token": b"strict", "serial": b"0"}
    access = access_to(parse_uri("pkcs11:"), None, KeptPassword(RIGHT))
    with pytest.raises(IdentityError, match="token 'strict' has one try left"):
        access._log_in(LastTry(), facts)
    access.pin.accept(Secret(PIN))
    assert access._log_in(LastTry(), facts) == (f"a session by {PIN}", Secret(PIN))


def test_a_pin_that_is_no_utf8_is_not_sent(hsm: SoftHsm) -> None:
    source = Asked(os.fsdecode(b"12\xe934"))
    with pytest.raises(IdentityError, match="is not UTF-8") as told:
        _open(hsm, source)
    assert "12" not in f"{told.value.message}{told.value.hint}"
    assert not hsm.was_told_a_wrong_pin()
