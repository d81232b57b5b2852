"""Calls to AWS under way: one at a time for each question, whoever waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic

from sidecar.secret_cache.answer import Copy
from sidecar.secret_cache.kind import Question, Value


class Flight(Generic[Question, Value]):
    """One call.

    Args:
        question: what AWS is asked.
        began_at: the moment, in seconds of `Clock.elapsed`.

    """

    __slots__ = ("began_at", "outdated", "question", "task")

    task: "asyncio.Task[Copy[Value]]"

    def __init__(self, question: Question, began_at: float) -> None:
        self.question = question
        self.began_at = began_at
        self.outdated = False

    async def landed(self) -> Copy[Value]:
        """Wait for the answer; raises what the call raises. Who stops waiting cancels nothing."""
        return await asyncio.shield(self.task)


class Flights(Generic[Question, Value]):
    """Shares one running call among all who ask the same.

    Args:
        call: asks AWS, for everybody who waits.

    """

    def __init__(self, call: Callable[[Flight[Question, Value]], Awaitable[Copy[Value]]]) -> None:
        self._call = call
        self._current: dict[Question, Flight[Question, Value]] = {}
        self._all: set[Flight[Question, Value]] = set()

    def of(self, question: Question) -> Flight[Question, Value] | None:
        """Give the call that a newcomer may join."""
        return self._current.get(question)

    def join(self, question: Question, now: float) -> Flight[Question, Value]:
        """Join the call that is under way, or begin one."""
        flight = self._current.get(question)
        if flight is None:
            flight = self._current[question] = Flight(question, now)
            self._all.add(flight)
            flight.task = asyncio.ensure_future(self._fly(flight))
            flight.task.add_done_callback(lambda _: self._ended(flight))
        return flight

    def outdate(self, concerns: Callable[[Question], bool]) -> None:
        """Let nobody join the calls of some questions: their answers may be old on arrival."""
        for question in [each for each in self._current if concerns(each)]:
            self._current.pop(question).outdated = True

    async def close(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        tasks = [flight.task for flight in self._all]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, flight: Flight[Question, Value]) -> Copy[Value]:
        try:
            return await self._call(flight)
        finally:
            # Before anybody hears of it: who asks again now is not to join a call that has ended.
            if self._current.get(flight.question) is flight:
                del self._current[flight.question]

    def _ended(self, flight: Flight[Question, Value]) -> None:
        self._all.discard(flight)
        if not flight.task.cancelled():
            flight.task.exception()  # read it even when nobody waits, or asyncio complains
