"""What files hold, each certificate and private key with the place where it was found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidecar.ca.authority import is_authority
from sidecar.ca.keys import key_name
from sidecar.ca.path import issuers_above
from sidecar.errors import IdentityError
from sidecar.identity.identity_file import IdentityFile, Opening, read_identity_file
from sidecar.identity.password import NoPassword, Password
from sidecar.identity.signing_key import SigningKey, public_der

ENCRYPTED: Final = "encrypted"
IN_TPM: Final = "in a TPM (TSS2)"


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
    public: bytes | None = field(default=None, repr=False)


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


def read_contents(paths: Iterable[Path], password: Password) -> Contents:
    """Read files of any form that an identity may have: PEM, DER, PKCS#12.

    A TPM's key and, without a password, an encrypted one are found and not opened.

    Args:
        paths: the files.
        password: of those that are encrypted.

    Raises:
        IdentityError: a file cannot be read, is malformed, holds nothing of the kind, or is not
            opened by the password.

    """
    certificates: list[FoundCertificate] = []
    keys: list[FoundKey] = []
    for path in paths:
        file = _read(path, password)
        keys += [_key(path, each) for each in file.keys]
        certificates += [
            FoundCertificate(path, i, each) for i, each in enumerate(file.certificates, 1)
        ]
    return Contents(tuple(certificates), tuple(keys))


class _InTpm(Exception):
    """A key that only its TPM opens, and none is asked here."""


def _read(path: Path, password: Password) -> IdentityFile:
    try:
        file = read_identity_file(path, "file", Opening(password, _refuse_tss2))
    except NoPassword as exc:  # PKCS#12, whose certificates are encrypted too
        raise IdentityError(exc.message, hint="give --password-file") from None
    if not file.certificates and not file.keys:
        raise IdentityError(
            f"file {path} holds neither a certificate nor a private key",
            hint="PEM, DER or PKCS#12 is expected",
        )
    return file


def _refuse_tss2(_: bytes) -> NoReturn:
    raise _InTpm


def _key(path: Path, opened: Callable[[], SigningKey]) -> FoundKey:
    try:
        public = opened().public_key
    except NoPassword:
        return FoundKey(path, ENCRYPTED)
    except _InTpm:
        return FoundKey(path, IN_TPM)
    return FoundKey(path, key_name(public), public_der(public))


def _public_of(certificate: x509.Certificate) -> bytes | None:
    try:
        public = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return None
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
