"""Reading an identity from wherever its parts are kept."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509

from sidecar.errors import IdentityError
from sidecar.identity.chain import chain_above, find_leaf
from sidecar.identity.identity import Identity
from sidecar.identity.identity_file import IdentityFile, Opening, read_identity_file
from sidecar.identity.password import (
    NoPasswordSource,
    PasswordFile,
    PasswordGiven,
    PasswordVariable,
)
from sidecar.identity.pkcs11_uri import redacted
from sidecar.identity.places import (
    IdentityPlaces,
    file_of,
    is_pkcs11,
    is_tpm,
    path_of,
    tpm_handle,
)
from sidecar.identity.remembered_password import RememberedPassword
from sidecar.identity.signing_key import SigningKey, SoftwareKey

_Part = TypeVar("_Part")

_KEY: Final = "private key"
_CERTIFICATE: Final = "certificate"
_CHAIN: Final = "chain"


def load_identity(places: IdentityPlaces, now: datetime | None = None) -> Identity:
    """Read leaf, key and intermediates and put them together.

    The leaf is the certificate that belongs to the key, wherever it stands in its file; of several,
    the best by `find_leaf`. All that is left is ordered from the leaf's issuer upwards; a
    self-signed root is dropped, and what does not belong to the path is left out
    (`Identity.left_out`). Each file is read once.

    This checks that key and certificate belong together and nothing else: validity and usage are
    findings of `sidecar.identity.checks`, and whether AWS trusts the issuer only AWS can say.

    Args:
        places: where the parts are, and how to open what is locked.
        now: this moment, to prefer a certificate that is valid.

    Raises:
        IdentityError: something is missing, unreadable or malformed, or key and certificate do not
            match; it tells of every part that is wrong.

    """
    parts = _Parts(places)
    problems: list[IdentityError] = []
    key = _attempt(parts.key, problems)
    certificates = _attempt(parts.certificates, problems)
    others = _attempt(parts.others, problems)
    if key is None or certificates is None or others is None:
        raise _all_of(problems)
    leaf = find_leaf(certificates, key.public_key, now)
    if leaf is None:
        raise IdentityError(
            f"private key {redacted(places.key_locator)} does not belong to certificate "
            f"{redacted(places.certificate)}",
            hint="give the key that the certificate was requested with, or renew both",
        )
    chain = chain_above(leaf, [*certificates, *others])
    return Identity(leaf, chain.issuers, key, chain.left_out, parts.password_unused(key))


def load_certificates(places: IdentityPlaces) -> Sequence[x509.Certificate]:
    """Read what the certificate's place holds, in its own order, without any key.

    Raises:
        IdentityError: missing, unreadable, malformed, or without a certificate.

    """
    return _Parts(places).certificates()


def load_signing_key(places: IdentityPlaces) -> SigningKey:
    """Open the private key alone, without any certificate.

    Args:
        places: where the key is, and how to open what is locked.

    Raises:
        IdentityError: missing, unreadable, malformed, or not opened by its password.

    """
    return _Parts(places).key()


class _Parts:
    """The parts in their places; what one file holds of several is read in one go."""

    def __init__(self, places: IdentityPlaces) -> None:
        self._places = places
        self._password = RememberedPassword(places.password)
        self._opening = Opening(self._password, self._tss2_key)
        self._files: dict[Path, IdentityFile | IdentityError] = {}

    def key(self) -> SigningKey:
        places = self._places
        locator = places.key_locator
        if is_pkcs11(locator):
            from sidecar.identity import pkcs11  # noqa: PLC0415 - for those who have a token

            return pkcs11.open_key(locator, module=places.pkcs11_module, pin=places.password)
        if is_tpm(locator):
            from sidecar.identity import tpm  # noqa: PLC0415 - for those who have a TPM

            handle = tpm_handle(locator)
            return tpm.open_handle(handle, tcti=places.tpm, password=places.password)
        keys = self._file(locator, _KEY).keys
        if not keys:
            raise _no_key(places)
        if len(keys) > 1:
            raise IdentityError(
                f"{_KEY} {locator} holds {len(keys)} private keys",
                hint="keep the one that belongs to the certificate",
            )
        return keys[0]()

    def certificates(self) -> Sequence[x509.Certificate]:
        places = self._places
        if is_pkcs11(places.certificate):
            from sidecar.identity import pkcs11  # noqa: PLC0415 - for those who have a token

            return pkcs11.read_certificates(
                places.certificate, module=places.pkcs11_module, pin=places.password
            )
        if is_tpm(places.certificate):
            raise IdentityError(
                f"{_CERTIFICATE} {places.certificate} is a TPM's handle",
                hint="a TPM holds the key only; give the certificate as a file",
            )
        return self._held(places.certificate, _CERTIFICATE)

    def others(self) -> Sequence[x509.Certificate]:
        """Give the issuers that stand elsewhere, those beside a key in its file among them."""
        places = self._places
        found: list[x509.Certificate] = []
        if places.chain is not None:
            found += self._held(str(places.chain), _CHAIN)
        if file_of(places.key_locator) is not None:
            found += self._file(places.key_locator, _KEY).certificates
        return found

    def password_unused(self, key: SigningKey) -> bool:
        """Whether a password is configured and the key in a file did not need it."""
        configured = PasswordFile | PasswordVariable | PasswordGiven
        return (
            isinstance(key, SoftwareKey)
            and isinstance(self._places.password, configured)
            and isinstance(self._password.without_asking(), NoPasswordSource)
        )

    def _held(self, locator: str, what: str) -> Sequence[x509.Certificate]:
        certificates = self._file(locator, what).certificates
        if not certificates:
            raise IdentityError(
                f"{what} {locator} holds no certificate",
                hint="it must hold -----BEGIN CERTIFICATE----- blocks, DER or PKCS#12",
            )
        return certificates

    def _file(self, locator: str, what: str) -> IdentityFile:
        """Read a file, unless that was done; a second failure is the first one again."""
        path = path_of(locator)
        if path not in self._files:
            try:
                self._files[path] = read_identity_file(path, what, self._opening)
            except IdentityError as exc:
                self._files[path] = exc
        found = self._files[path]
        if isinstance(found, IdentityError):
            raise found
        return found

    def _tss2_key(self, pem: bytes) -> SigningKey:
        from sidecar.identity import tpm  # noqa: PLC0415 - for those who have a TPM

        return tpm.open_tss2(pem, tcti=self._places.tpm, password=self._places.password)


def _no_key(places: IdentityPlaces) -> IdentityError:
    if places.private_key is None:
        return IdentityError(
            f"no {_KEY} is given, and {_CERTIFICATE} {places.certificate} holds none",
            hint="give the private key's place too, or a file that holds both",
        )
    return IdentityError(
        f"{_KEY} {places.private_key} holds no private key",
        hint="it must hold one, in PEM or PKCS#12",
    )


def _attempt(read: Callable[[], _Part], problems: list[IdentityError]) -> _Part | None:
    try:
        return read()
    except IdentityError as exc:
        problems.append(exc)
        return None


def _all_of(problems: Sequence[IdentityError]) -> IdentityError:
    """Make one error of several; what is wrong with a shared file is told once."""
    sentences = dict.fromkeys(each.message for each in problems)
    if len(sentences) == 1:
        return problems[0]
    return IdentityError("; ".join(sentences), hint=problems[0].hint)
