"""Counting what was called, so that a test can say how often AWS was asked."""

from collections import Counter
from threading import Lock


class Calls:
    """Counts of requests by ``service.Operation``, refused ones included."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def count(self, service: str, operation: str) -> None:
        """Add one call."""
        with self._lock:
            self._counts[f"{service}.{operation}"] += 1

    def counts(self) -> dict[str, int]:
        """A copy of the counts, sorted by name."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def clear(self) -> None:
        """Start again from nothing."""
        with self._lock:
            self._counts.clear()
