"""A connection to a TPM 2.0, and keys that are loaded there for its time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from tpm2_pytss import (
    ESAPI,
    ESYS_TR,
    TPM2_RC,
    TPM2B_PRIVATE,
    TPM2B_PUBLIC,
    TPM2B_SENSITIVE_CREATE,
    TPMA_OBJECT,
    TCTILdr,
    TSS2_Exception,
)

from sidecar.errors import IdentityError
from sidecar.identity.tpm_key_file import TpmKeyFile

DEFAULT_TCTI: Final = "device:/dev/tpmrm0"

# A context of the library is for one thread, and a TPM without resource manager for one client.
_ONE_AT_A_TIME: Final = threading.Lock()

# The standard storage primary key (TCG EK and SRK templates; draft-bottomley-tpm2-keys 3.1.5).
_PRIMARY: Final = "ecc256:aes128cfb"
_PRIMARY_ATTRIBUTES: Final = (
    TPMA_OBJECT.USERWITHAUTH
    | TPMA_OBJECT.RESTRICTED
    | TPMA_OBJECT.DECRYPT
    | TPMA_OBJECT.NODA
    | TPMA_OBJECT.FIXEDTPM
    | TPMA_OBJECT.FIXEDPARENT
    | TPMA_OBJECT.SENSITIVEDATAORIGIN
)
_HIERARCHIES: Final = {
    "owner": ESYS_TR.OWNER,
    "null": ESYS_TR.NULL,
    "endorsement": ESYS_TR.ENDORSEMENT,
    "platform": ESYS_TR.PLATFORM,
}
_LAYER_SHIFT: Final = 16
_TPM_LAYERS: Final = (0, 12)  # the TPM itself, and the TPM behind the kernel's resource manager
_WRONG_PASSWORD: Final = (TPM2_RC.AUTH_FAIL, TPM2_RC.BAD_AUTH)

# From a connection to the handle that a key has for its time.
Loading = Callable[[ESAPI], AbstractContextManager[ESYS_TR]]


class WrongPassword(IdentityError):
    """The TPM refused the password of a key."""


@contextmanager
def connected(tcti: str) -> Iterator[ESAPI]:
    """Connect for one piece of work, so that a TPM that went away is found again by the next.

    Args:
        tcti: name and options of a transmission interface, as all tpm2-tss programs write it.

    Raises:
        WrongPassword: the TPM refused a password in the block.
        IdentityError: the TPM cannot be reached, or refuses what the block asks of it.

    """
    with _ONE_AT_A_TIME:
        try:
            with TCTILdr.parse(tcti) as interface, ESAPI(interface) as tpm:
                yield tpm
        except TSS2_Exception as exc:
            raise _failure(exc, tcti) from exc


def persistent(handle: int) -> Loading:
    """Use a key that the TPM holds for good."""

    @contextmanager
    def loaded(tpm: ESAPI) -> Iterator[ESYS_TR]:
        try:
            key = tpm.tr_from_tpmpublic(handle)
        except TSS2_Exception as exc:
            if _reason(exc) != TPM2_RC.HANDLE:
                raise
            raise IdentityError(
                f"the TPM has no key at handle 0x{handle:08x}",
                hint="tpm2_getcap handles-persistent lists those that it has",
            ) from exc
        yield key

    return loaded


def from_file(file: TpmKeyFile) -> Loading:
    """Load a key for the time of its use, and its parent only until that is done.

    A TPM has room for three keys or so, and without a resource manager nobody clears up after us.
    """

    @contextmanager
    def loaded(tpm: ESAPI) -> Iterator[ESYS_TR]:
        public, private = _unmarshalled(file)
        try:
            with _parent(tpm, file) as parent:
                key = tpm.load(parent, private, public)
        except TSS2_Exception as exc:
            raise _load_failure(exc, file) from exc
        try:
            yield key
        finally:
            tpm.flush_context(key)

    return loaded


@contextmanager
def _parent(tpm: ESAPI, file: TpmKeyFile) -> Iterator[ESYS_TR]:
    if file.hierarchy is None:
        yield tpm.tr_from_tpmpublic(file.parent)
        return
    template = TPM2B_PUBLIC.parse(_PRIMARY, objectAttributes=_PRIMARY_ATTRIBUTES)
    hierarchy = _HIERARCHIES[file.hierarchy]
    primary, *_ = tpm.create_primary(TPM2B_SENSITIVE_CREATE(), template, hierarchy)
    try:
        yield primary
    finally:
        tpm.flush_context(primary)


def _unmarshalled(file: TpmKeyFile) -> tuple[TPM2B_PUBLIC, TPM2B_PRIVATE]:
    try:
        return TPM2B_PUBLIC.unmarshal(file.public)[0], TPM2B_PRIVATE.unmarshal(file.private)[0]
    except TSS2_Exception as exc:
        raise IdentityError(
            "the TSS2 key file holds no key as a TPM writes it", hint="make it anew"
        ) from exc


def _load_failure(exc: TSS2_Exception, file: TpmKeyFile) -> IdentityError | TSS2_Exception:
    parent = f"the {file.hierarchy} hierarchy" if file.hierarchy else f"0x{file.parent:08x}"
    if _reason(exc) in _WRONG_PASSWORD:
        return IdentityError(
            f"the TPM wants a password for the key's parent, {parent}",
            hint="only parents without a password are supported",
        )
    if _reason(exc) in (TPM2_RC.INTEGRITY, TPM2_RC.HANDLE):
        return IdentityError(
            f"the TPM cannot open the key under its parent, {parent}",
            hint="the key was made by another TPM, or the parent was changed since",
        )
    return exc


def _failure(exc: TSS2_Exception, tcti: str) -> IdentityError:
    if _reason(exc) in _WRONG_PASSWORD:
        return WrongPassword("the TPM refused a password")
    if _reason(exc) == TPM2_RC.LOCKOUT:
        return IdentityError(
            "the TPM is locked after too many wrong passwords",
            hint="wait, or clear it with the lockout password: tpm2_dictionarylockout -c",
        )
    if int(exc.rc) >> _LAYER_SHIFT in _TPM_LAYERS:
        return IdentityError(f"the TPM refused: {exc}", hint="see TPM 2.0 part 2, response codes")
    return IdentityError(
        f"the TPM at {tcti} cannot be used: {exc}",
        hint="check that it is there, and that this user may use it (group tss); "
        "SIDECAR_IDENTITY_TPM names another",
    )


def _reason(exc: TSS2_Exception) -> int:
    """Give the TPM's own response code, without which handle or parameter it is about; else 0."""
    return int(exc.error) & 0xFFFF if int(exc.rc) >> _LAYER_SHIFT in _TPM_LAYERS else 0
