"""Keys on a real SoftHSM2 token sign what openssl verifies, from several threads at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import DeviceError, PinIncorrect, PKCS11Error, SessionHandleInvalid

from sidecar.errors import IdentityError
from sidecar.identity import pkcs11
from sidecar.identity.kept_password import KeptPassword
from sidecar.identity.password import NoPassword, NoPasswordSource, PasswordGiven
from sidecar.identity.pkcs11_token import TokenSession, access_to
from sidecar.identity.pkcs11_uri import parse_uri
from sidecar.identity.signing_key import SigningKey
from sidecar.redaction import Secret
from tests.identity.softhsm import PIN, TOKEN, SoftHsm, soft_hsm
from tests.identity.verdict import MESSAGE, Openssl, openssl_verifies

Open = Callable[[str], SigningKey]


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        yield hsm


@pytest.fixture
def open_key(hsm: SoftHsm) -> Open:
    pin = PasswordGiven(Secret(PIN))
    return lambda uri: pkcs11.open_key(uri, module=hsm.module, pin=pin)


@pytest.mark.parametrize(
    "kind", ["rsa:2048", "rsa:3072", "EC:prime256v1", "EC:secp384r1", "EC:secp521r1"]
)
def test_openssl_verifies_what_a_key_on_a_token_signs(
    kind: str, hsm: SoftHsm, open_key: Open, openssl: Openssl, tmp_path: Path
) -> None:
    hsm.generate("01", "mine", kind)
    key = open_key(f"{TOKEN};object=mine;type=private")
    assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))
    assert not openssl_verifies(openssl, tmp_path, key.public_key, key.sign(b"another"))


def test_a_token_that_only_signs_digests_is_given_one(
    hsm: SoftHsm, open_key: Open, openssl: Openssl, tmp_path: Path
) -> None:
    hsm.configure("slots.mechanisms = CKM_RSA_PKCS,CKM_RSA_PKCS_KEY_PAIR_GEN")
    hsm.generate("01", "mine", "rsa:2048")
    key = open_key(f"{TOKEN};object=mine")
    assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))


@pytest.mark.parametrize("kind", ["rsa:2048", "EC:prime256v1"])
def test_a_key_that_wants_its_pin_for_each_signature_gets_it(
    kind: str, hsm: SoftHsm, open_key: Open, openssl: Openssl, tmp_path: Path
) -> None:
    hsm.generate("01", "mine", kind, "--always-auth")
    key = open_key(f"{TOKEN};object=mine")
    for _ in range(2):
        assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))


def test_threads_that_sign_at_once_all_get_a_right_signature(
    hsm: SoftHsm, open_key: Open, openssl: Openssl, tmp_path: Path
) -> None:
    hsm.generate("01", "rsa", "rsa:2048")
    hsm.generate("02", "ec", "EC:prime256v1")
    keys = [open_key(f"{TOKEN};object={label}") for label in ("rsa", "ec")] * 2
    together = threading.Barrier(len(keys))

    def sign(key: SigningKey) -> list[bytes]:
        together.wait()
        return [key.sign(MESSAGE) for _ in range(10)]

    with ThreadPoolExecutor(len(keys)) as pool:
        signed = list(pool.map(sign, keys))
    assert [len(each) for each in signed] == [10] * 4
    for key, signatures in zip(keys, signed, strict=True):
        assert openssl_verifies(openssl, tmp_path, key.public_key, signatures[-1])


def test_a_signature_that_the_public_key_does_not_verify_is_not_given_away(
    hsm: SoftHsm, open_key: Open
) -> None:
    hsm.generate("01", "mine", "EC:prime256v1")
    hsm.delete("pubkey", "01")
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = stranger.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    hsm.write("pubkey", "01", "mine", der)
    key = open_key(f"{TOKEN};object=mine")
    with pytest.raises(IdentityError, match="that its public key does not verify"):
        key.sign(MESSAGE)


def test_a_token_that_was_put_back_signs_again_without_a_restart(
    hsm: SoftHsm, open_key: Open, openssl: Openssl, tmp_path: Path
) -> None:
    hsm.generate("01", "mine", "EC:prime256v1")
    key = open_key(f"{TOKEN};object=mine")
    for asked_while_away in (True, True, False):
        hsm.remove()
        if asked_while_away:
            with pytest.raises(IdentityError, match="no token fits pkcs11:token=test%20token"):
                key.sign(MESSAGE)
        hsm.put_back()
        assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))


@pytest.mark.parametrize("failure", [DeviceError, SessionHandleInvalid, PinIncorrect])
def test_a_failure_is_tried_once_more_and_then_told(
    failure: type[PKCS11Error], hsm: SoftHsm
) -> None:
    access = access_to(parse_uri(TOKEN), hsm.module, KeptPassword(NoPasswordSource()))
    failures = [failure, failure, failure]

    def fail(_: TokenSession) -> str:
        if failures:
            raise failures.pop()
        return "done"

    with pytest.raises(IdentityError, match=f"the token of {TOKEN} failed: {failure.__name__}"):
        access.run(fail, login=False)
    assert access.run(fail, login=False) == "done"


def test_a_token_that_came_back_with_another_key_is_refused(hsm: SoftHsm, open_key: Open) -> None:
    hsm.generate("01", "mine", "EC:prime256v1")
    key = open_key(f"{TOKEN};object=mine")
    for kind in ("privkey", "pubkey"):
        hsm.delete(kind, "01")
    hsm.generate("01", "mine", "EC:prime256v1")
    with pytest.raises(IdentityError, match="another private key than at the start"):
        key.sign(MESSAGE)


def test_a_further_key_that_fits_the_uri_does_not_disturb_the_one_in_use(
    hsm: SoftHsm, open_key: Open, openssl: Openssl, tmp_path: Path
) -> None:
    hsm.generate("02", "mine", "EC:prime256v1")
    key = open_key(f"{TOKEN};object=mine")
    hsm.generate("01", "mine", "EC:prime256v1")
    assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))
    with pytest.raises(IdentityError, match="2 private keys fit"):
        open_key(f"{TOKEN};object=mine")


def test_without_any_pin_the_token_is_named_that_wants_one(hsm: SoftHsm) -> None:
    hsm.generate("01", "mine", "EC:prime256v1")
    with pytest.raises(NoPassword, match="token 'test token' needs a PIN and none is configured"):
        pkcs11.open_key(f"{TOKEN};object=mine", module=hsm.module, pin=NoPasswordSource())
