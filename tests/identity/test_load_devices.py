"""Identities whose key is held by a device, and the certificate there or in a file."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sidecar.ca import (
    Authority,
    PrivateKey,
    Subject,
    Workload,
    certificate_pem,
    certify_workload,
)
from sidecar.errors import IdentityError
from sidecar.identity import tpm as tpm_keys
from sidecar.identity.load import load_identity
from sidecar.identity.password import NoPasswordSource, PasswordGiven
from sidecar.identity.places import IdentityPlaces
from sidecar.identity.signing_key import PublicKey, SigningKey
from sidecar.redaction import Secret
from tests.identity.softhsm import PIN, TOKEN, SoftHsm, soft_hsm
from tests.identity.swtpm import Eventually, SwTpm, sw_tpm
from tests.identity.verdict import MESSAGE, Openssl, openssl_verifies

Leaf = tuple[x509.Certificate, PrivateKey]
Certify = Callable[[PublicKey], bytes]
NONE: Final = NoPasswordSource()


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workload: Leaf) -> Iterator[SoftHsm]:
    """Give a token with the workload's key and certificate."""
    leaf, key = workload
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        hsm.write("privkey", "01", "mine", der)
        hsm.write("cert", "01", "mine", leaf.public_bytes(Encoding.DER))
        yield hsm


@pytest.fixture
def on_token(hsm: SoftHsm) -> IdentityPlaces:
    return IdentityPlaces(
        certificate=f"{TOKEN};id=%01",
        password=PasswordGiven(Secret(PIN)),
        pkcs11_module=hsm.module,
    )


@pytest.fixture
def tpm(tmp_path: Path, eventually: Eventually) -> Iterator[SwTpm]:
    with sw_tpm(tmp_path, eventually) as tpm:
        yield tpm


@pytest.fixture
def certify(intermediate: Authority, now: datetime) -> Certify:
    """Give a function that has a key certified, as PEM."""

    def certified(public_key: PublicKey) -> bytes:
        workload = Workload(Subject("device").name(), public_key)
        day = timedelta(days=1)
        return certificate_pem(certify_workload(intermediate, workload, now=now, validity=day))

    return certified


def test_one_uri_names_key_and_certificate_on_a_token(
    on_token: IdentityPlaces,
    workload: Leaf,
    intermediate: Authority,
    openssl: Openssl,
    tmp_path: Path,
) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(certificate_pem(intermediate.certificate))
    identity = load_identity(replace(on_token, chain=chain))
    assert (identity.certificate, identity.chain) == (workload[0], (intermediate.certificate,))
    signature = identity.certified_key().sign(MESSAGE)
    assert openssl_verifies(openssl, tmp_path, identity.key.public_key, signature)


def test_a_token_may_hold_the_key_alone(
    on_token: IdentityPlaces, certificate_file: Path, workload: Leaf
) -> None:
    places = replace(on_token, certificate=str(certificate_file), private_key=on_token.certificate)
    identity = load_identity(places)
    assert (identity.certificate, identity.password_unused) == (workload[0], False)


def test_a_certificate_of_another_key_than_the_tokens_is_refused(
    on_token: IdentityPlaces, certificate_file: Path, root: Authority
) -> None:
    certificate_file.write_bytes(certificate_pem(root.certificate))
    places = replace(on_token, certificate=str(certificate_file), private_key=on_token.certificate)
    with pytest.raises(IdentityError, match="does not belong to certificate"):
        load_identity(places)


@pytest.mark.parametrize("prefix", ["tpm", "handle"])
def test_a_tpm_may_hold_the_key_for_good(
    prefix: str, tpm: SwTpm, certify: Certify, openssl: Openssl, tmp_path: Path
) -> None:
    parent = tpm.persist_primary()
    tpm.create("ecc256", parent)
    handle = tpm.persist(parent)
    certificate = tmp_path / "device.pem"
    held = tpm_keys.open_handle(handle, tcti=tpm.tcti, password=NONE)
    certificate.write_bytes(certify(held.public_key))
    places = IdentityPlaces(
        certificate=str(certificate), private_key=f"{prefix}:0x{handle:x}", tpm=tpm.tcti
    )
    _signs(load_identity(places).key, openssl, tmp_path)


@pytest.mark.parametrize("together", [False, True], ids=["two files", "one file"])
def test_a_file_may_hold_a_key_that_only_its_tpm_opens(
    together: bool, tpm: SwTpm, certify: Certify, openssl: Openssl, tmp_path: Path
) -> None:
    pem = tpm.openssl_key("group:P-256")
    held = tpm_keys.open_tss2(pem, tcti=tpm.tcti, password=NONE)
    certificate, key = tmp_path / "device.pem", tmp_path / "device.key"
    certificate.write_bytes(certify(held.public_key) + (pem if together else b""))
    key.write_bytes(pem)
    places = IdentityPlaces(
        certificate=str(certificate), private_key=None if together else str(key), tpm=tpm.tcti
    )
    _signs(load_identity(places).key, openssl, tmp_path)


def _signs(key: SigningKey, openssl: Openssl, directory: Path) -> None:
    assert openssl_verifies(openssl, directory, key.public_key, key.sign(MESSAGE))
    assert not openssl_verifies(openssl, directory, key.public_key, key.sign(b"another"))


def test_the_pin_in_a_uri_is_told_to_nobody(
    on_token: IdentityPlaces, certificate_file: Path, root: Authority
) -> None:
    certificate_file.write_bytes(certificate_pem(root.certificate))
    uri = f"{on_token.certificate}?pin-value={PIN}"
    places = replace(on_token, certificate=str(certificate_file), private_key=uri, password=NONE)
    with pytest.raises(IdentityError, match="does not belong to certificate") as caught:
        load_identity(places)
    assert PIN not in f"{caught.value.message} {caught.value.hint} {places!r}"
