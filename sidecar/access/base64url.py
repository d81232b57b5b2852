"""Base64url as JOSE writes it, and in no other spelling, so that a value has one form."""

import base64
import re
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_GROUP: Final = 4


def encode_base64url(data: bytes) -> str:
    """Write base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Read base64url without padding (RFC 7515, section 2).

    Raises:
        ValueError: padding, another alphabet, or bits at the end that stand for nothing.

    """
    if not _ALPHABET.fullmatch(text):
        raise ValueError("is not base64url without padding")
    if len(text) % _GROUP == 1:
        raise ValueError("is cut off")
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % _GROUP))
    if encode_base64url(decoded) != text:
        raise ValueError("has bits at its end that stand for nothing")
    return decoded
