"""End entities: constraints, names of sessions, source identity, tags."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from sidecar.emulator.roles_anywhere.end_entity import (
    constraint_problem,
    hex_serial,
    source_identity,
)

Certify = Callable[..., tuple[x509.Certificate, Any]]
INSUFFICIENT = "Untrusted certificate. Insufficient certificate"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, "", id="nothing wrong"),
        pytest.param({"ca": None}, "", id="no basic constraints"),
        pytest.param({"algorithm": hashes.SHA384()}, "", id="a stronger hash"),
        pytest.param({"usage": None}, INSUFFICIENT, id="no key usage"),
        pytest.param({"usage": {"key_agreement"}}, INSUFFICIENT, id="no digital signature"),
        pytest.param(
            {"ca": True},
            f"{INSUFFICIENT}: a certificate authority may not be an end entity",
            id="CA",
        ),
        pytest.param(
            {"algorithm": hashes.SHA224()},
            f"{INSUFFICIENT}: signature weaker than SHA-256",
            id="a weak hash",
        ),
        pytest.param({"attributes": []}, f"{INSUFFICIENT}: the subject is empty", id="no subject"),
    ],
)
def test_constraints(certify: Certify, options: dict[str, Any], expected: str) -> None:
    assert constraint_problem(certify(**options)[0]) == expected


def test_a_key_of_another_kind_is_not_enough(certify: Certify) -> None:
    issuer, key = certify()
    usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    certificate = (
        x509.CertificateBuilder()
        .subject_name(issuer.subject)
        .issuer_name(issuer.subject)
        .public_key(ed25519.Ed25519PrivateKey.generate().public_key())
        .serial_number(1)
        .not_valid_before(issuer.not_valid_before_utc)
        .not_valid_after(issuer.not_valid_after_utc)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    expected = f"{INSUFFICIENT}: the key is neither RSA nor elliptic curve nor ML-DSA"
    assert constraint_problem(certificate) == expected


@pytest.mark.parametrize(
    ("serial", "expected"),
    [(0x61D5692C1982239B82255B38E6CED2AA34712FF0, "61d5692c1982239b82255b38e6ced2aa34712ff0")],
)
def test_a_session_is_named_by_the_serial_in_lower_case_hex(
    certify: Certify, serial: int, expected: str
) -> None:
    assert hex_serial(certify(serial=serial)[0]) == expected


NO_NAME = [(NameOID.ORGANIZATION_NAME, "Example")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"name": "web"}, "CN=web", id="common name"),
        pytest.param({"name": "n" * 61}, "CN=" + "n" * 61, id="61 characters"),
        pytest.param({"name": "n" * 62}, "n" * 62, id="62 characters"),
        pytest.param({"name": "n" * 64}, "n" * 64, id="64 characters"),
        pytest.param({"attributes": NO_NAME, "serial": 291}, "ID=0123", id="291, documented"),
        pytest.param({"attributes": NO_NAME, "serial": 17767}, "ID=4567", id="17767, documented"),
    ],
)
def test_source_identities(certify: Certify, options: dict[str, Any], expected: str) -> None:
    assert source_identity(certify(**options)[0]) == expected
