"""The session tokens of IMDSv2: made and checked without a memory of those that were given out.

botocore asks for a new token of six hours at every renewal and never uses one twice, so a table of
them would only grow. A token says itself when it ends, and a key that no other process has vouches
for that.
"""

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

# AWS's "Use the Instance Metadata Service" gives this range, in seconds.
MIN_TTL_SECONDS: Final = 1
MAX_TTL_SECONDS: Final = 21600
NONCE_BYTES: Final = 10
# As long as AWS's own.
TOKEN_LENGTH: Final = 56

_TTL: Final = re.compile(r"[0-9]{1,5}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{56}")
# The end in microseconds, and what makes two tokens of one moment differ.
_CLAIM: Final = struct.Struct(f">Q{NONCE_BYTES}s")
_MAC_BYTES: Final = 24
_MICROSECONDS: Final = 1_000_000


class ImdsTokenRefused(ValueError):
    """A token, or a wish for one, that is refused; the message never holds it."""


def read_ttl(text: str) -> int:
    """Read for how many seconds a token is wanted.

    Raises:
        ImdsTokenRefused: no whole number from 1 to 21600.

    """
    seconds = int(text) if _TTL.fullmatch(text) else 0
    if not MIN_TTL_SECONDS <= seconds <= MAX_TTL_SECONDS:
        raise ImdsTokenRefused(
            f"the TTL must be a number of seconds from {MIN_TTL_SECONDS} to {MAX_TTL_SECONDS}"
        )
    return seconds


def issue(key: bytes, nonce: bytes, ttl_seconds: int, now: float) -> str:
    """Make a token.

    Args:
        key: what vouches for tokens; one process's own.
        nonce: random, `NONCE_BYTES` of it.
        ttl_seconds: how long it is good for.
        now: the moment, in seconds of a clock that cannot be set (`Clock.elapsed`), so that setting
            the wall clock makes no token live longer.

    """
    claim = _CLAIM.pack(_whole(now) + ttl_seconds * _MICROSECONDS, nonce)
    return urlsafe_b64encode(claim + _mac(key, claim)).decode()


def remaining_seconds(key: bytes, token: str, now: float) -> int:
    """Check a token, and give for how many whole seconds it is still good.

    Args:
        key: the one that it was made with.
        token: what the caller sent.
        now: the moment, by the clock that it was made by.

    Raises:
        ImdsTokenRefused: it is none, another key's, or at its end.

    """
    if not _TOKEN.fullmatch(token):
        raise ImdsTokenRefused("the token is malformed")
    held = urlsafe_b64decode(token)
    claim, mac = held[: _CLAIM.size], held[_CLAIM.size :]
    if not hmac.compare_digest(mac, _mac(key, claim)):
        raise ImdsTokenRefused("the token was not made by this process")
    ends: int = _CLAIM.unpack(claim)[0]
    left = ends - _whole(now)
    if left <= 0:
        raise ImdsTokenRefused("the token has expired")
    return left // _MICROSECONDS


def _mac(key: bytes, claim: bytes) -> bytes:
    return hmac.digest(key, claim, "sha256")[:_MAC_BYTES]


def _whole(now: float) -> int:
    return round(now * _MICROSECONDS)
