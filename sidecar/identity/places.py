"""Where the parts of an identity are kept, as a user names them."""

from dataclasses import dataclass, field
from pathlib import Path

from sidecar.errors import IdentityError
from sidecar.identity.password import NoPasswordSource, Password


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPlaces:
    """The locators of certificate, key and chain, and how to open what is locked.

    Args:
        certificate: a file (PEM or PKCS#12), or a ``pkcs11:`` URI (RFC 7512).
        private_key: a file (PEM of any kind, or PKCS#12), a ``pkcs11:`` URI, ``tpm:0x81…`` (also
            ``handle:0x81…``); None where the certificate's locator names the key too.
        chain: file with intermediates.
        password: of an encrypted key or PKCS#12 file, the token's PIN, or the TPM key's.
        pkcs11_module: shared library of the token; None for p11-kit's proxy.
        tpm: how to reach the TPM, as a TCTI (``device:/dev/tpmrm0``); None for the default.

    """

    # Not shown: a URI may hold the PIN.
    certificate: str = field(repr=False)
    private_key: str | None = field(default=None, repr=False)
    chain: Path | None = None
    password: Password = field(default_factory=NoPasswordSource)
    pkcs11_module: Path | None = None
    tpm: str | None = None

    @property
    def key_locator(self) -> str:
        """The locator of the private key."""
        return self.private_key or self.certificate

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the identity is read from, those that hold passwords included."""
        named = [self.certificate, self.key_locator]
        found = [file_of(each) for each in named]
        found += [self.chain, getattr(self.password, "path", None)]
        return tuple(dict.fromkeys(each for each in found if each is not None))


def is_pkcs11(locator: str) -> bool:
    """Whether a locator is an RFC 7512 URI."""
    return locator.lower().startswith("pkcs11:")


def is_tpm(locator: str) -> bool:
    """Whether a locator is a TPM's persistent handle."""
    return locator.startswith(("tpm:", "handle:"))


def file_of(locator: str) -> Path | None:
    """Give the path of a locator that names a file, with or without ``pkcs12:`` before it."""
    return None if is_pkcs11(locator) or is_tpm(locator) else path_of(locator)


def path_of(locator: str) -> Path:
    """Give the path of a locator that is known to name a file."""
    return Path(locator.removeprefix("pkcs12:"))


def tpm_handle(locator: str) -> int:
    """Read the handle, which is hexadecimal; IdentityError if it is no number."""
    try:
        return int(locator.partition(":")[2], 16)
    except ValueError:
        raise IdentityError(
            f"{locator} names no handle",
            hint="write tpm:0x81000001, as tpm2_evictcontrol prints it",
        ) from None
