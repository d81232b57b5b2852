"""Keys in a TPM 2.0, by persistent handle or TSS2 key file; needs the extra ``tpm``."""

import os
from dataclasses import dataclass
from typing import Final

from sidecar.errors import IdentityError
from sidecar.identity.extras import import_extra
from sidecar.identity.kept_password import KeptPassword
from sidecar.identity.password import NoPassword, Password
from sidecar.identity.signing_key import SigningKey
from sidecar.identity.tpm_key_file import parse_key_file
from sidecar.redaction import Secret

_HANDLES: Final = range(0x81000000, 0x82000000)


def open_handle(handle: int, *, tcti: str | None, password: Password) -> SigningKey:
    """Open a key that the TPM holds for good.

    Without a password the key is taken to have none: the TPM does not tell. This does not prove
    that it signs; the first signature does.

    Args:
        handle: 0x81000000 to 0x81ffffff.
        tcti: how to reach the TPM; None for the kernel's resource manager, ``/dev/tpmrm0``.
        password: of the key; read at the first signature.

    Raises:
        IdentityError: no TPM, no key at that handle, or one that cannot sign for us.

    """
    if handle not in _HANDLES:
        raise IdentityError(
            f"0x{handle:08x} is no persistent handle", hint="those are 0x81000000 to 0x81ffffff"
        )
    _import_library()
    from sidecar.identity.tpm_device import DEFAULT_TCTI, persistent  # noqa: PLC0415
    from sidecar.identity.tpm_key import open_tpm_key  # noqa: PLC0415 - needs the extra

    name, kept = f"TPM key 0x{handle:08x}", KeptPassword(_OrNone(password))
    return open_tpm_key(name, tcti or DEFAULT_TCTI, persistent(handle), kept)


def open_tss2(pem: bytes, *, tcti: str | None, password: Password) -> SigningKey:
    """Open a key that a TSS2 PEM file holds, encrypted for its TPM.

    A password is sent also where the file says that there is none (tpm2_encodeobject writes that
    the wrong way round), but then nobody is asked for one. This does not prove that the key signs;
    the first signature does.

    Args:
        pem: the file.
        tcti: how to reach the TPM; None for the kernel's resource manager, ``/dev/tpmrm0``.
        password: of the key; read at the first signature.

    Raises:
        IdentityError: malformed, not supported, no TPM, or another TPM than the key was made by.

    """
    _import_library()
    from sidecar.identity.tpm_device import DEFAULT_TCTI, from_file  # noqa: PLC0415
    from sidecar.identity.tpm_key import open_tpm_key  # noqa: PLC0415 - needs the extra

    file = parse_key_file(pem)
    source: Password = password
    if file.empty_auth:
        source = _OrNone(password, ask=False)
    loading = from_file(file)
    return open_tpm_key("the TPM key", tcti or DEFAULT_TCTI, loading, KeptPassword(source))


def _import_library() -> None:
    # The C library would print lines of its own between ours; it reads this once.
    os.environ.setdefault("TSS2_LOG", "all+NONE")
    import_extra("tpm2_pytss", "tpm", "a TPM's key")


@dataclass(frozen=True, slots=True)
class _OrNone:
    """A source that takes no password for the empty one."""

    source: Password
    ask: bool = True

    @property
    def asks(self) -> bool:
        """Whether somebody is asked."""
        return self.ask and self.source.asks

    def read(self, what: str) -> Secret:
        """Read it; empty where there is none to be had without asking, if that is not wanted."""
        if not self.ask and self.source.asks:
            return Secret("")
        try:
            return self.source.read(what)
        except NoPassword:
            return Secret("")
