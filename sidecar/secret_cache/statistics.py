"""What a cache counts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts since the start, and what is held now.

    Args:
        hits: reads answered with a fresh value from memory.
        misses: reads that waited for AWS and got its answer.
        stale: reads answered with a value past its time, or instead of one that AWS did not give.
        refreshes: answers of AWS, the first ones included.
        failures: calls that AWS refused or did not answer.
        evictions: values that made room for others.
        entries: values held.
        bytes: room that they take, about.

    """

    hits: int
    misses: int
    stale: int
    refreshes: int
    failures: int
    evictions: int
    entries: int
    bytes: int


@dataclass(slots=True)
class Counts:
    """The counts while they are counted."""

    hits: int = 0
    misses: int = 0
    stale: int = 0
    refreshes: int = 0
    failures: int = 0
