"""Places for what may run at a time, given out so that nobody can hold all of them."""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from typing import Final


class FairPlaces:
    """Gives a place to whoever holds fewer than are free.

    One alone gets half of the places, two that want more than there is get a third each, and so on:
    a part is always free for somebody new. Those who wait and may have a place take turns.

    Args:
        count: how many places there are; so many can each hold one at least.
        most_waiting: how many times one may wait at once.

    """

    def __init__(self, count: int, most_waiting: int) -> None:
        self._free = count
        self._most_waiting = most_waiting
        self._held: Counter[Hashable] = Counter()
        self._waiting: Final[dict[Hashable, deque[asyncio.Future[None]]]] = {}

    async def take(self, who: Hashable) -> None:
        """Wait for a place; cancelling gives up the wait, and the place if it has just come.

        Raises:
            asyncio.QueueFull: as many waits of the same one are under way as there may be.

        """
        if self._may_take(who):
            self._give(who)
            return
        if len(self._waiting.get(who, ())) >= self._most_waiting:
            raise asyncio.QueueFull
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(who, turn)
            else:
                self.give_back(who)
            raise

    def give_back(self, who: Hashable) -> None:
        """End the use of a place."""
        self._free += 1
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]
        while (following := self._next()) is not None:
            queue = self._waiting.pop(following)
            turn = queue.popleft()
            if queue:  # behind all others
                self._waiting[following] = queue
            # One that was cancelled has not run yet to leave the queue.
            if not turn.done():
                self._give(following)
                turn.set_result(None)

    def _may_take(self, who: Hashable) -> bool:
        return self._held[who] < self._free

    def _give(self, who: Hashable) -> None:
        self._free -= 1
        self._held[who] += 1

    def _next(self) -> Hashable | None:
        return next(filter(self._may_take, self._waiting), None)

    def _forget(self, who: Hashable, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(who, deque())
        if turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[who]
