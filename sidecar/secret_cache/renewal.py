"""Renewing what is in use before its time is over, and reading what is watched until it is held."""

import asyncio
from collections.abc import Iterable
from typing import Any, Generic

from sidecar.clock import Clock
from sidecar.secret_cache.agenda import Agenda
from sidecar.secret_cache.catalogue import Catalogue
from sidecar.secret_cache.flights import Flight, Flights
from sidecar.secret_cache.kind import Question, Value
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.line import Line
from sidecar.secret_cache.watches import Watches


class Renewal(Generic[Question, Value]):
    """Looks at each line when it is due.

    Args:
        lines: what is held.
        watches: what is to be held for ever.
        flights: calls to AWS.
        clock: the clock.
        limits: how long after its last read a value is in use.

    """

    def __init__(
        self,
        lines: Catalogue[Question, Value],
        watches: Watches[Question, Value],
        flights: Flights[Question, Value],
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._lines = lines
        self._watches = watches
        self._flights = flights
        self._clock = clock
        self._limits = limits
        self._agenda: Agenda[Question] = Agenda()
        self._sooner = asyncio.Event()

    def look_at(self, question: Question, moment: float) -> None:
        """Look at a question, in its canonical form, at a moment."""
        if self._agenda.put(question, moment):
            self._sooner.set()

    def hurry(self, lines: Iterable[Line[Question, Value]]) -> None:
        """Ask AWS for those of some lines that are in use, as soon as it is not left alone."""
        now = self._clock.elapsed()
        for line in lines:
            if self._in_use(line, now):
                self._renew_when_due(line.question, line, now)

    def flight_of(self, line: Line[Question, Value]) -> Flight[Question, Value] | None:
        """Give the call that renews a line: its own, or one about the same value."""
        own = self._flights.of(line.question)
        if own is not None:
            return own
        others = (self._flights.of(each.question) for each in line.held.lines())
        return next((each for each in others if each is not None), None)

    async def run(self) -> None:
        """Look at what is due; never returns."""
        while True:
            self._sooner.clear()
            for question in list(self._agenda.take_due(self._clock.elapsed())):
                self._tend(question)
            await self._until(self._agenda.next_at())

    def clear(self) -> None:
        """Look at nothing any more."""
        self._agenda.clear()

    def _tend(self, question: Question) -> None:
        now = self._clock.elapsed()
        line = self._lines.find(question)
        if line is None:
            if question in self._watches:
                self._flights.join(question)
        elif self._in_use(line, now):
            self._renew_when_due(question, line, now)

    def _renew_when_due(self, question: Question, line: Line[Question, Value], now: float) -> None:
        if line.plan.due_at > now:
            self.look_at(question, line.plan.due_at)
        elif self.flight_of(line) is None:  # else its end has every line of the value looked at
            self._flights.join(line.question)

    def _in_use(self, line: Line[Question, Value], now: float) -> bool:
        if self._watches.any_of(line.questions):
            return True
        return now < line.last_read + self._limits.keep_warm_seconds

    async def _until(self, moment: float | None) -> None:
        """Wait for a moment, or for something that comes sooner."""
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._sooner.wait())]
        if moment is not None:
            left = moment - self._clock.elapsed()
            waits.append(asyncio.ensure_future(self._clock.sleep(max(left, 0))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
