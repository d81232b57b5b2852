"""What PEM files hold, each certificate and private key with the place where it was found."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import PublicFormat

from sidecar.ca.authority import is_authority
from sidecar.ca.keys import key_name
from sidecar.ca.path import issuers_above
from sidecar.cli.certs_files import read_certificates, read_file
from sidecar.errors import IdentityError

_BLOCK: Final = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )?(CERTIFICATE|PRIVATE KEY)-----")


@dataclass(frozen=True, slots=True)
class FoundCertificate:
    """A certificate, and where it stands in its file."""

    path: Path
    position: int
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A private key of which only the public half is kept; neither half of one that is locked."""

    path: Path
    name: str
    public: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Contents:
    """All that was found, in the order of the files."""

    certificates: tuple[FoundCertificate, ...]
    keys: tuple[FoundKey, ...]

    def key_of(self, found: FoundCertificate) -> FoundKey | None:
        """Give the private key that a certificate was issued for."""
        public = _public_of(found.certificate)
        return next((each for each in self.keys if public and each.public == public), None)

    def certificate_of(self, key: FoundKey) -> FoundCertificate | None:
        """Give the first certificate that was issued for a private key."""
        return next((each for each in self.certificates if self.key_of(each) is key), None)

    def above(self, found: FoundCertificate) -> tuple[x509.Certificate, ...]:
        """Give the issuers of a certificate upwards, as far as they are here."""
        return issuers_above(found.certificate, [each.certificate for each in self.certificates])

    def is_identity(self, found: FoundCertificate) -> bool:
        """Whether a certificate is what somebody proves himself with, and not only an issuer."""
        return not is_authority(found.certificate) or self.key_of(found) is not None


def read_contents(paths: Iterable[Path]) -> Contents:
    """Read PEM files.

    Raises:
        IdentityError: a file cannot be read, is malformed, or holds nothing of the kind.

    """
    certificates: list[FoundCertificate] = []
    keys: list[FoundKey] = []
    for path in paths:
        content = read_file(path, "file")
        kinds = set(_BLOCK.findall(content))
        if not kinds:
            raise IdentityError(
                f"file {path} holds neither a certificate nor a private key",
                hint="PEM is expected: -----BEGIN CERTIFICATE----- and the like",
            )
        if b"PRIVATE KEY" in kinds:
            keys.append(_key(path, content))
        if b"CERTIFICATE" in kinds:
            found = read_certificates(path, content)
            certificates += [FoundCertificate(path, i, each) for i, each in enumerate(found, 1)]
    return Contents(tuple(certificates), tuple(keys))


def _key(path: Path, content: bytes) -> FoundKey:
    try:
        public = serialization.load_pem_private_key(content, None).public_key()
    except TypeError:
        return FoundKey(path, "encrypted", None)
    except (ValueError, UnsupportedAlgorithm) as exc:
        # The parser's words are not repeated: they may quote what it read.
        raise IdentityError(
            f"private key {path} cannot be read ({type(exc).__name__})",
            hint="expected PEM with PKCS#8, PKCS#1 or SEC1",
        ) from None
    encoded = public.public_bytes(serialization.Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return FoundKey(path, key_name(public), encoded)


def _public_of(certificate: x509.Certificate) -> bytes | None:
    try:
        public = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return None
    return public.public_bytes(serialization.Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
