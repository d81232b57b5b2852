"""What a certificate says, and what AWS will make of it, for people and for programs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from sidecar.ca.authority import extension, is_authority
from sidecar.ca.keys import key_name

# STS takes 64 characters, and "CN=" is put before the name where that fits.
_MAX_PREFIXED_NAME: Final = 61


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One certificate, read; `key` is None where its kind is not known to this program."""

    subject: str
    issuer: str
    serial_number: int
    session_name: str
    source_identity: str
    dns: tuple[str, ...]
    uris: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str
    signature: str
    authority: bool
    sha256: str

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "CertificateFacts":
        """Read a certificate."""
        names = extension(certificate, x509.SubjectAlternativeName) or ()
        return cls(
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            certificate.serial_number,
            session_name(certificate),
            source_identity(certificate),
            tuple(each.value for each in names if isinstance(each, x509.DNSName)),
            tuple(each.value for each in names if isinstance(each, x509.UniformResourceIdentifier)),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            _key(certificate),
            _signature(certificate),
            is_authority(certificate),
            certificate.fingerprint(hashes.SHA256()).hex(),
        )


def session_name(certificate: x509.Certificate) -> str:
    """Give the name of a session for which the caller chose none: the serial number in hex.

    Seen in CloudTrail and in ARNs (IAM Roles Anywhere user guide, "Trust model"). Not known:
    whether AWS pads an odd number of digits here too.
    """
    return f"{certificate.serial_number:x}"


def source_identity(certificate: x509.Certificate) -> str:
    """Give the source identity that AWS sets (user guide, "Trust model").

    The common name with ``CN=`` before it if both fit into 64 characters, else bare; without one
    the serial number in hex, with an even number of digits, after ``ID=``.
    """
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names:
        digits = f"{certificate.serial_number:x}"
        return f"ID={digits.zfill(len(digits) + len(digits) % 2)}"
    name = str(names[0].value)
    return f"CN={name}" if len(name) <= _MAX_PREFIXED_NAME else name


def _key(certificate: x509.Certificate) -> str:
    try:
        return key_name(certificate.public_key())
    except (UnsupportedAlgorithm, ValueError):
        return "of an unknown kind"


def _signature(certificate: x509.Certificate) -> str:
    oid = certificate.signature_algorithm_oid
    name: str = oid._name  # noqa: SLF001 - the library has no public way to a name
    return oid.dotted_string if name == "Unknown OID" else name
