"""A new identity on a device is used only once its device has signed for it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.ca import (
    Authority,
    PrivateKey,
    Subject,
    Workload,
    certificate_pem,
    certify_workload,
)
from sidecar.errors import IdentityError
from sidecar.identity import pkcs11, tpm
from sidecar.identity.examined import examine
from sidecar.identity.held import HeldIdentity
from sidecar.identity.password import NoPasswordSource, PasswordFile, PasswordGiven
from sidecar.identity.places import IdentityPlaces
from sidecar.redaction import Secret
from tests.identity.held.conftest import Watched
from tests.identity.softhsm import PIN, TOKEN, SoftHsm, soft_hsm
from tests.identity.swtpm import SIGNING, Eventually, sw_tpm

if TYPE_CHECKING:
    from sidecar.identity.signing_key import PublicKey
    from tests.conftest import ManualClock

Certify = Callable[["PublicKey"], x509.Certificate]
Begin = Callable[[IdentityPlaces], Watched]
Leaf = tuple[x509.Certificate, PrivateKey]


@pytest.fixture
def certify(intermediate: Authority, now: datetime) -> Certify:
    def certified(public_key: "PublicKey") -> x509.Certificate:
        workload = Workload(Subject("device").name(), public_key)
        return certify_workload(intermediate, workload, now=now, validity=timedelta(days=9))

    return certified


@pytest.fixture
def begin(clock: "ManualClock", caplog: pytest.LogCaptureFixture) -> Begin:
    def held(places: IdentityPlaces) -> Watched:
        identity = examine(places, clock.now()).identity
        return Watched(HeldIdentity(identity, places, clock), places, clock, caplog, [])

    return held


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        yield hsm


@pytest.fixture
def on_token(hsm: SoftHsm) -> IdentityPlaces:
    hsm.generate("01", "mine", "EC:prime256v1")
    return IdentityPlaces(
        certificate=f"{TOKEN};id=%01",
        password=PasswordGiven(Secret(PIN)),
        pkcs11_module=hsm.module,
    )


def _public_key(places: IdentityPlaces) -> "PublicKey":
    held = pkcs11.open_key(
        places.key_locator, module=places.pkcs11_module, pin=PasswordGiven(Secret(PIN))
    )
    return held.public_key


def _write(hsm: SoftHsm, certificate: x509.Certificate) -> None:
    hsm.write("cert", "01", "mine", certificate.public_bytes(Encoding.DER))


async def test_a_tokens_certificate_for_another_key_replaces_nothing(
    hsm: SoftHsm, on_token: IdentityPlaces, certify: Certify, begin: Begin, workload: Leaf
) -> None:
    of_device = _public_key(on_token)
    good = certify(of_device)
    _write(hsm, good)
    hsm.delete("pubkey", "01")
    watched = begin(on_token)
    hsm.delete("cert", "01")
    _write(hsm, certify(workload[1].public_key()))
    watched.held.reload()
    await watched.look(1)
    assert watched.serial == good.serial_number
    assert "the device made a signature that its public key does not verify" in watched.said()[0]
    with pytest.raises(IdentityError, match="its public key does not verify"):
        begin(on_token)
    hsm.delete("cert", "01")
    _write(hsm, new := certify(of_device))
    watched.held.reload()
    await watched.look(1)
    assert watched.serial == new.serial_number
    assert watched.held.key().sign(b"x")


async def test_a_mistyped_password_of_a_tpm_replaces_nothing_and_is_sent_once(
    tmp_path: Path, eventually: Eventually, certify: Certify, begin: Begin
) -> None:
    password, certificate = tmp_path / "password", tmp_path / "device.pem"
    password.write_text("r1ght")
    with sw_tpm(tmp_path, eventually) as device:
        parent = device.persist_primary()
        device.create("ecc256", parent, SIGNING, "-p", "r1ght")
        handle = device.persist(parent)
        key = tpm.open_handle(handle, tcti=device.tcti, password=NoPasswordSource())
        certificate.write_bytes(certificate_pem(certify(key.public_key)))
        places = IdentityPlaces(
            certificate=str(certificate),
            private_key=f"tpm:0x{handle:x}",
            password=PasswordFile(password),
            tpm=device.tcti,
        )
        watched = begin(places)
        password.write_text("tops3cret")
        await watched.look()
        assert "refused the password" in watched.said()[0]
        for _ in range(3):
            watched.held.reload()
            await watched.look(1)
        counted = device.run("tpm2_getcap", "properties-variable")
        assert "TPM2_PT_LOCKOUT_COUNTER: 0x1\n" in counted
        assert watched.held.key().sign(b"x")
        with pytest.raises(IdentityError, match="was refused before"):
            begin(places)
        password.write_text("r1ght")
        certificate.write_bytes(certificate_pem(new := certify(key.public_key)))
        await watched.look()
        assert watched.serial == new.serial_number
        assert watched.held.key().sign(b"x")
