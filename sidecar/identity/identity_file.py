"""One file of an identity: its certificates and its private key, told apart by content."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from sidecar.ca.whole_certificate import MALFORMED, parse_fully
from sidecar.errors import IdentityError
from sidecar.identity.password import Password
from sidecar.identity.pem import Block, holds_pem, read_blocks
from sidecar.identity.private_key import open_private_key, software_key
from sidecar.identity.signing_key import SigningKey
from sidecar.regular_file import read_regular_file

# Far above any certificate bundle; a wrong path to a huge file must not fill the memory.
_MAX_FILE_BYTES: Final = 1_000_000

_CERTIFICATE_LABELS: Final = ("CERTIFICATE", "X509 CERTIFICATE")
_KEY_LABEL_END: Final = "PRIVATE KEY"
_TSS2_LABEL: Final = "TSS2 PRIVATE KEY"


@dataclass(frozen=True, slots=True, repr=False)
class IdentityFile:
    """What a file holds.

    Args:
        certificates: in the file's order.
        keys: each private key, opened when called; a password is asked for at that moment.

    """

    certificates: tuple[x509.Certificate, ...]
    keys: tuple[Callable[[], SigningKey], ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """How to open what is locked.

    Args:
        password: of encrypted keys and PKCS#12 files; read only if one turns up.
        tss2: opens a TPM's key from its PEM block.

    """

    password: Password
    tss2: Callable[[bytes], SigningKey]


def read_identity_file(path: Path, what: str, opening: Opening) -> IdentityFile:
    """Read a file once: PEM with any blocks, one certificate in DER, or PKCS#12.

    Args:
        path: the file.
        what: what the user calls it; names it in messages.
        opening: how to open what is locked.

    Raises:
        IdentityError: missing, unreadable, cut off, damaged, or of no known form.

    """
    named = f"{what} {path}"
    content = _content(path, named)
    if not content:
        raise IdentityError(f"{named} is empty", hint="write it, or give another path")
    if holds_pem(content):
        return _from_pem(content, named, opening)
    from sidecar.identity.pkcs12_file import is_pkcs12, open_pkcs12  # noqa: PLC0415 - mostly PEM

    if is_pkcs12(content):
        key, certificates = open_pkcs12(content, opening.password, named, path)
        _check_whole(certificates, named)
        keys = () if key is None else (lambda: software_key(key, named),)
        return IdentityFile(certificates, keys)
    return IdentityFile(_from_der(content, named))


def _from_pem(content: bytes, named: str, opening: Opening) -> IdentityFile:
    try:
        blocks = read_blocks(content)
    except ValueError as exc:
        raise IdentityError(f"{named} {exc}", hint="write the whole file anew") from None
    try:
        certificates = tuple(
            x509.load_pem_x509_certificate(each.text)
            for each in blocks
            if each.label in _CERTIFICATE_LABELS
        )
    except MALFORMED:
        raise _damaged(named) from None
    _check_whole(certificates, named)
    keys = (each for each in blocks if each.label.endswith(_KEY_LABEL_END))
    return IdentityFile(certificates, tuple(_opener(each, named, opening) for each in keys))


def _opener(block: Block, named: str, opening: Opening) -> Callable[[], SigningKey]:
    if block.label == _TSS2_LABEL:
        return lambda: opening.tss2(block.text)
    return lambda: open_private_key(block, opening.password, named)


def _from_der(content: bytes, named: str) -> tuple[x509.Certificate, ...]:
    try:
        certificates = (x509.load_der_x509_certificate(content),)
    except MALFORMED:
        raise IdentityError(
            f"{named} is of an unknown form",
            hint="expected PEM (-----BEGIN …), one certificate in DER, or PKCS#12",
        ) from None
    _check_whole(certificates, named)
    return certificates


def _check_whole(certificates: tuple[x509.Certificate, ...], named: str) -> None:
    try:
        parse_fully(certificates)
    except MALFORMED:
        raise _damaged(named) from None


def _damaged(named: str) -> IdentityError:
    return IdentityError(f"{named} holds a malformed certificate", hint="have it issued anew")


def _content(path: Path, named: str) -> bytes:
    try:
        content, _ = read_regular_file(path, _MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "no path can be like this"
        raise IdentityError(
            f"{named} cannot be read: {reason}",
            hint=f"check the path, and that uid {os.geteuid()} may read it",
        ) from exc
    if len(content) > _MAX_FILE_BYTES:
        raise IdentityError(f"{named} is too large", hint="is this the right file?")
    return content
