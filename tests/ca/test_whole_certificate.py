"""Certificates and requests with what the library does not know fail where they are read."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.ca.directory import CERTIFICATE, PRIVATE_KEY, load_authority
from sidecar.ca.keys import private_key_pem
from sidecar.ca.request import read_request
from sidecar.cli.certs_files import read_certificates
from sidecar.errors import IdentityError
from sidecar.identity.load import load_certificates
from sidecar.identity.places import IdentityPlaces
from tests.identity.hand_made import pem_block

KEY: Final = ec.generate_private_key(ec.SECP256R1())
NAME: Final = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "odd")])
START: Final = datetime.fromisoformat("2026-03-01T12:00:00Z")
DNS: Final = x509.SubjectAlternativeName([x509.DNSName("a")]).public_bytes()
SAN: Final = "2.5.29.17"
ODD: Final = {
    "x400Address": (SAN, bytes.fromhex("3004a3020500")),
    "ediPartyName": (SAN, bytes.fromhex("3004a5020500")),
    "ediPartyName in CRL distribution points": (
        "2.5.29.31",
        bytes.fromhex("300a3008a006a004a3020500"),
    ),
    "no names": (SAN, b"\x30\x01"),
}


def _extension(dotted: str, content: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(dotted), content)


def _certificate(extension: x509.UnrecognizedExtension) -> bytes:
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).serial_number(1)
    builder = builder.public_key(KEY.public_key()).add_extension(extension, critical=False)
    builder = builder.not_valid_before(START).not_valid_after(START + timedelta(days=1))
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


def _of_version_4() -> bytes:
    good = x509.load_pem_x509_certificate(_certificate(_extension(SAN, DNS)))
    der = good.public_bytes(Encoding.DER)
    version = bytes.fromhex("a003020102")
    return pem_block("CERTIFICATE", der.replace(version, version[:-1] + b"\x03", 1))


def _as_identity(path: Path) -> object:
    return load_certificates(IdentityPlaces(certificate=str(path)))


def _as_authority(path: Path) -> object:
    path.with_name(PRIVATE_KEY).write_bytes(private_key_pem(KEY))
    return load_authority(path.rename(path.with_name(CERTIFICATE)).parent)


def _as_bundle(path: Path) -> object:
    return read_certificates(path, path.read_bytes())


READERS: Final = [_as_identity, _as_authority, _as_bundle]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ODD)
def test_a_certificate_with_an_odd_extension_is_malformed(
    name: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "odd.pem"
    path.write_bytes(_certificate(_extension(*ODD[name])))
    with pytest.raises(IdentityError, match="malformed"):
        read(path)


@pytest.mark.parametrize("read", READERS)
def test_one_of_a_version_that_nobody_knows_is_malformed(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "odd.pem"
    path.write_bytes(_of_version_4())
    with pytest.raises(IdentityError, match="malformed"):
        read(path)


@pytest.mark.parametrize("read", READERS)
def test_one_with_a_usual_extension_is_read(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "good.pem"
    path.write_bytes(_certificate(_extension(SAN, DNS)))
    assert read(path)


def _request(extension: x509.UnrecognizedExtension) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(NAME)
    signed = builder.add_extension(extension, critical=False).sign(KEY, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM)


@pytest.mark.parametrize("name", ODD)
def test_a_request_with_an_odd_extension_cannot_be_read(name: str) -> None:
    with pytest.raises(ValueError, match="not a PEM certificate signing request"):
        read_request(_request(_extension(*ODD[name])))
    assert read_request(_request(_extension(SAN, DNS))).dns == ("a",)
