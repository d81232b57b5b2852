"""PKCS#12 files (RFC 7292): key and certificates under one password."""

import shlex
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12KeyAndCertificates,
    load_pkcs12,
)

from sidecar.errors import IdentityError
from sidecar.identity.password import Password
from sidecar.identity.private_key import UNREADABLE, check_work, revealed

_SEQUENCE: Final = 0x30
_LONG_FORM: Final = 0x80
_VERSION_3: Final = b"\x02\x01\x03"


def is_pkcs12(content: bytes) -> bool:
    """Whether these bytes begin as a PFX does: a sequence that opens with its version, 3."""
    start, _ = _span(content)
    return content[:1] == bytes((_SEQUENCE,)) and content.startswith(_VERSION_3, start)


def _span(content: bytes) -> tuple[int, int]:
    """Say where the contents of the first value begin, and where they end by its own account.

    BER allows a value without a length, which ends anywhere.
    """
    length = content[1] if len(content) > 1 else 0
    if length < _LONG_FORM:
        return 2, 2 + length
    start = 2 + length - _LONG_FORM
    return start, start + int.from_bytes(content[2:start], "big")


def open_pkcs12(
    content: bytes, password: Password, what: str, path: Path
) -> tuple[object | None, tuple[x509.Certificate, ...]]:
    """Open a file, without a password if that does it: none and an empty one are alike.

    Args:
        content: the file.
        password: read only if it is needed.
        what: names the file in messages.
        path: where it is, for a command that looks into it.

    Returns:
        The private key if there is one, of whatever kind, and every certificate.

    Raises:
        IdentityError: no password or a wrong one, damage, or a way of encryption that this
            program's OpenSSL does not know.

    """
    _, end = _span(content)
    if end > len(content):
        raise IdentityError(f"{what} is cut off", hint="write the whole file anew")
    check_work(content, what)
    found = _loaded(content, None, what) or _loaded(content, revealed(password, what), what)
    if found is None:
        raise IdentityError(
            f"{what} cannot be opened: its password is wrong, or it is damaged",
            hint=f"openssl pkcs12 -info -noout -in {shlex.quote(str(path))} tells which",
        )
    certificates = (found.cert, *found.additional_certs)
    return found.key, tuple(each.certificate for each in certificates if each is not None)


def _loaded(content: bytes, password: bytes | None, what: str) -> PKCS12KeyAndCertificates | None:
    """Open it; None if the password is wrong, or if it is damaged."""
    try:
        return load_pkcs12(content, password)
    except UNREADABLE as exc:
        if "key data" not in str(exc):
            return None
    raise IdentityError(
        f"{what} holds a private key that cannot be read from PKCS#12",
        hint="ML-DSA keys go in PEM files: openssl pkcs12 -nodes -in FILE",
    )
