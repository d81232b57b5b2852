"""What the fields of a session name stand for: the machine, the role, the certificate in use."""

import base64
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sidecar.providers.session_name import SessionNames
from sidecar.session_name import SessionName
from sidecar.signing.x509 import Algorithm, CertifiedKey

SERIAL = 0x0FED1


def _key(now: datetime, *names: tuple[x509.ObjectIdentifier, str]) -> CertifiedKey:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(SERIAL)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    return CertifiedKey(der, (), certificate.serial_number, Algorithm.ECDSA, bytes)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{role}@{hostname}", "api@vm-7"),
        ("{certificate_cn}", "web.1"),
        ("{certificate_serial}", "fed1"),
    ],
)
def test_a_name_says_what_it_is_asked_to(now: datetime, template: str, name: str) -> None:
    names = SessionNames(SessionName.parse(template), "api", "vm-7")
    key = _key(now, (NameOID.ORGANIZATION_NAME, "Example"), (NameOID.COMMON_NAME, "web.1"))
    assert names.name(key) == name


def test_of_several_common_names_the_first_counts(now: datetime) -> None:
    names = SessionNames(SessionName.parse("{certificate_cn}"), "api", "vm-7")
    key = _key(now, (NameOID.COMMON_NAME, "first"), (NameOID.COMMON_NAME, "second"))
    assert names.name(key) == "first"


def test_a_certificate_without_a_common_name_is_named_by_its_serial(now: datetime) -> None:
    names = SessionNames(SessionName.parse("{certificate_cn}"), "api", "vm-7")
    assert names.name(_key(now, (NameOID.ORGANIZATION_NAME, "Example"))) == "fed1"


@pytest.mark.parametrize(
    ("template", "needed"),
    [("{role}@{hostname}", False), ("x-{certificate_cn}", True), ("{certificate_serial}", True)],
)
def test_only_a_name_by_certificate_needs_one(template: str, needed: bool) -> None:
    names = SessionNames(SessionName.parse(template), "api", "vm-7")
    assert names.need_certificate is needed
    if not needed:
        assert names.name(None) == "api@vm-7"
