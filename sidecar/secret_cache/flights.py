"""Calls to AWS under way: one at a time for each question, whoever waits for it."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final, Generic

from sidecar.secret_cache.answer import Copy
from sidecar.secret_cache.kind import Question, Value

# The call that newcomers join, and one whose answer may be old on arrival.
_MOST_AT_ONCE: Final = 2


class Flight(Generic[Question, Value]):
    """One call.

    Args:
        question: what AWS is asked.
        wanted_at: since when its answer is waited for, in seconds of `Clock.elapsed`.

    Attributes:
        began_at: when AWS was asked; infinite while earlier calls are in the way.

    """

    __slots__ = ("began_at", "outdated", "question", "task", "wanted_at")

    task: "asyncio.Task[Copy[Value]]"

    def __init__(self, question: Question, wanted_at: float) -> None:
        self.question = question
        self.wanted_at = wanted_at
        self.began_at = math.inf
        self.outdated = False

    async def landed(self) -> Copy[Value]:
        """Wait for the answer; raises what the call raises. Who stops waiting cancels nothing."""
        return await asyncio.shield(self.task)


class Flights(Generic[Question, Value]):
    """Shares one running call among all who ask the same.

    Args:
        call: asks AWS, for everybody who waits.
        elapsed: tells the moment, in seconds of `Clock.elapsed`.

    """

    def __init__(
        self,
        call: Callable[[Flight[Question, Value]], Awaitable[Copy[Value]]],
        elapsed: Callable[[], float],
    ) -> None:
        self._call = call
        self._elapsed = elapsed
        self._current: dict[Question, Flight[Question, Value]] = {}
        self._outdated: dict[Question, list[Flight[Question, Value]]] = {}
        self._all: set[Flight[Question, Value]] = set()

    def of(self, question: Question) -> Flight[Question, Value] | None:
        """Give the call that a newcomer may join."""
        return self._current.get(question)

    def join(self, question: Question) -> Flight[Question, Value]:
        """Join the call that is under way, or begin one, as soon as there are not too many."""
        flight = self._current.get(question)
        if flight is None:
            flight = self._current[question] = Flight(question, self._elapsed())
            if self._may_begin(question):
                flight.began_at = flight.wanted_at
            self._all.add(flight)
            flight.task = asyncio.ensure_future(self._fly(flight))
            flight.task.add_done_callback(lambda _: self._ended(flight))
        return flight

    def outdate(self, concerns: Callable[[Question], bool]) -> None:
        """Let nobody join the calls of some questions: their answers may be old on arrival.

        One that has yet to begin stays: its answer will be new.
        """
        for flight in list(self._current.values()):
            if flight.began_at < math.inf and concerns(flight.question):
                del self._current[flight.question]
                flight.outdated = True
                self._outdated.setdefault(flight.question, []).append(flight)

    async def close(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        tasks = [flight.task for flight in self._all]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, flight: Flight[Question, Value]) -> Copy[Value]:
        question = flight.question
        try:
            if flight.began_at == math.inf:
                await self._free(question)
                flight.began_at = self._elapsed()
            return await self._call(flight)
        finally:
            # Before anybody hears of it: who asks again now is not to join a call that has ended.
            if self._current.get(question) is flight:
                del self._current[question]
            if flight.outdated:
                self._outdated[question].remove(flight)
                if not self._outdated[question]:
                    del self._outdated[question]

    async def _free(self, question: Question) -> None:
        """Wait until a call may begin."""
        while not self._may_begin(question):
            in_the_way = {each.task for each in self._outdated[question]}
            await asyncio.wait(in_the_way, return_when=asyncio.FIRST_COMPLETED)

    def _may_begin(self, question: Question) -> bool:
        return len(self._outdated.get(question, ())) < _MOST_AT_ONCE

    def _ended(self, flight: Flight[Question, Value]) -> None:
        self._all.discard(flight)
        if not flight.task.cancelled():
            flight.task.exception()  # read it even when nobody waits, or asyncio complains
