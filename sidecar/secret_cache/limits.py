"""How long a value is served, and how many are held."""

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cache may do with a value that AWS gave it.

    Args:
        ttl_seconds: how long a value is fresh; 0 holds nothing at all.
        max_stale_seconds: how much longer it stands in for one that AWS does not give.
        size: how many values are held; the one unused for longest goes first.
        max_bytes: how much room they may take; likewise.
        keep_warm_seconds: how long after its last read a value is still renewed ahead.
        serve_stale: whether a value past its time is served at all.

    """

    ttl_seconds: float
    max_stale_seconds: float
    size: int
    max_bytes: int = 64 * MEBIBYTE
    keep_warm_seconds: float = 3600
    serve_stale: bool = True
