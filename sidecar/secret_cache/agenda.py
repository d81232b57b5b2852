"""What is to be looked at again, and when: a queue in which a key has one moment."""

import heapq
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Agenda(Generic[Key]):
    """Keys in the order of their moments; the last moment given to a key is the one that counts."""

    def __init__(self) -> None:
        self._moments: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = count()

    def put(self, key: Key, moment: float) -> bool:
        """Look at `key` at `moment`; returns whether that is sooner than all else."""
        self._moments[key] = moment
        sooner = not self._heap or moment < self._heap[0][0]
        heapq.heappush(self._heap, (moment, next(self._order), key))
        if len(self._heap) > 2 * len(self._moments):
            self._forget_superseded()
        return sooner

    def clear(self) -> None:
        """Look at nothing."""
        self._moments.clear()
        self._heap.clear()

    def take_due(self, now: float) -> Iterator[Key]:
        """Give the keys whose moment has come, each once."""
        while self._heap and self._heap[0][0] <= now:
            moment, _, key = heapq.heappop(self._heap)
            if self._moments.get(key) == moment:
                del self._moments[key]
                yield key

    def next_at(self) -> float | None:
        """Say when the next key is due, or was."""
        return self._heap[0][0] if self._heap else None

    def _forget_superseded(self) -> None:
        self._heap = [(moment, next(self._order), key) for key, moment in self._moments.items()]
        heapq.heapify(self._heap)
