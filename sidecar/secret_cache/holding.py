"""Values in memory: what a read is answered with, and what it waits for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic

from sidecar.clock import Clock
from sidecar.errors import SidecarError
from sidecar.secret_cache.answer import Answer, Copy
from sidecar.secret_cache.asking import Asking
from sidecar.secret_cache.flights import Flight
from sidecar.secret_cache.freshness import PATIENCE_SECONDS, Verdict, decide
from sidecar.secret_cache.kind import Kind, Question, Value
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.line import Line
from sidecar.secret_cache.statistics import Statistics
from sidecar.secret_cache.watches import Listener


class Holding(Generic[Question, Value]):
    """What the caches of every kind do.

    Args:
        kind: how questions and values are told apart.
        ask: asks AWS.
        clock: the clock.
        limits: how long and how much.
        jitter: random, 0 up to 1.

    """

    def __init__(
        self,
        kind: Kind[Question, Value],
        ask: Callable[[Question], Awaitable[Value]],
        clock: Clock,
        limits: Limits,
        jitter: Callable[[], float],
    ) -> None:
        self._kind = kind
        self._clock = clock
        self._elapsed = clock.elapsed
        self._limits = limits
        self._asking = asking = Asking(kind, ask, clock, limits, jitter)
        self._counts = asking.counts
        self._flights = asking.flights
        self._renewal = asking.renewal
        self._lines = asking.contents.lines
        self._store = asking.contents.store
        self._touch = self._store.touch
        self._by_question = self._lines.by_question
        self._invalidated_at = -1.0

    async def get(self, question: Question, *, refresh_now: bool = False) -> Answer[Value]:
        """Answer a read.

        Raises:
            SidecarError: AWS said no, or cannot be asked and nothing young enough is held.

        """
        line = self._by_question.get(question)
        if line is not None and not refresh_now:
            now = self._elapsed()
            if now < line.attend_at:
                line.last_read = now
                self._touch(line.held)
                self._counts.hits += 1
                return Answer(line.held.copy, int(now - line.plan.asked_at), "hit")
        if refresh_now:
            return await self._insist(question)
        return await self._read(question)

    def put(self, question: Question, value: Value, asked_at: float | None) -> None:
        """Hold what AWS gave to another question that was asked at a moment, by default now.

        What was asked for before the last invalidation is left out: it may be old.
        """
        moment = self._elapsed() if asked_at is None else asked_at
        if moment >= self._invalidated_at:
            self._asking.take_in(self._kind.canonical(question), value, moment)
            line = self._lines.find(question)
            if line is not None:
                line.last_read = max(line.last_read, moment)

    def invalidate(self, concerns: Callable[[Question], bool], *, wait: bool = False) -> int:
        """Let no held value count as fresh that certain questions are about; count the values."""
        now = self._elapsed()
        lines = self._outdate(concerns, now)
        for line in lines:
            line.follow(line.plan.invalidated(now, wait=wait))
        self._renewal.hurry(lines)
        for question in self._asking.watches:
            if concerns(question):
                self._renewal.look_at(question, now)
        return len({line.held for line in lines})

    def doubt(self, concerns: Callable[[Question], bool]) -> None:
        """Let no held value count as fresh that may have changed; a back-off is not cut short."""
        now = self._elapsed()
        for line in self._outdate(concerns, now):
            line.follow(line.plan.invalidated(now))
            self._renewal.look_at(line.question, line.plan.due_at)

    def renew(self, concerns: Callable[[Question], bool]) -> int:
        """Ask AWS again about what is in use; no read waits for that. Count the values."""
        now = self._elapsed()
        lines = [line for line in self._lines if concerns(line.question)]
        for line in lines:
            line.follow(line.plan.renewed(now))
        self._renewal.hurry(lines)
        return len({line.held for line in lines})

    def forget(self, matches: Callable[[Question], bool]) -> None:
        """Drop what certain questions are about; the next read of each waits for AWS."""
        for line in self._outdate(matches, self._elapsed()):
            self._lines.drop(line)

    def holds(self, question: Question) -> bool:
        """Say whether a read would be answered from memory, however old the value is."""
        line = self._lines.find(question)
        return line is not None and self._elapsed() < line.plan.useless_at

    def watch(self, question: Question, listener: Listener[Value]) -> Callable[[], None]:
        """Keep a value warm and tell of it; what is returned ends that."""
        asked = self._kind.canonical(question)
        stop = self._asking.watches.add(asked, listener)
        now = self._elapsed()
        line = self._lines.find(asked)
        if line is not None and now < line.plan.useless_at:
            self._asking.watches.tell(asked, self._from_memory(line, now))
        self._renewal.look_at(asked, now)
        return stop

    def not_renewed(self) -> int:
        """Count the values that AWS could not be asked for again, and that serve as they are."""
        return len({line.held for line in self._lines if line.plan.failures})

    def statistics(self) -> Statistics:
        """Count."""
        counts, store = self._counts, self._store
        return Statistics(
            hits=counts.hits,
            misses=counts.misses,
            stale=counts.stale,
            refreshes=counts.refreshes,
            failures=counts.failures,
            evictions=store.evictions,
            entries=len(store),
            bytes=store.bytes,
        )

    async def run(self) -> None:
        """Renew what is in use; never returns."""
        await self._renewal.run()

    async def close(self) -> None:
        """End what is under way and forget every value."""
        await self._flights.close()
        self._renewal.clear()
        self._lines.clear()

    def _outdate(
        self, concerns: Callable[[Question], bool], now: float
    ) -> list[Line[Question, Value]]:
        """Let calls under way and refusals not count any more; give the lines that it is about."""
        self._invalidated_at = now
        self._flights.outdate(concerns)
        self._asking.refusals.forget(concerns)
        return [line for line in self._lines if concerns(line.question)]

    async def _read(self, question: Question) -> Answer[Value]:
        now = self._elapsed()
        line = self._lines.find(question)
        if line is None:
            return await self._cold(question)
        self._used(line, now)
        flight = self._renewal.flight_of(line)
        since = None if flight is None else flight.wanted_at
        verdict = decide(line.plan, now, flying_since=since)
        if verdict is Verdict.SERVE:
            return self._from_memory(line, now)
        if verdict is Verdict.COLD:
            self._asking.refusals.check(line.question, now)
        flight = self._asking.begin(line.question)
        if verdict is Verdict.RENEW:
            return self._from_memory(line, now)
        if verdict is Verdict.WAIT_A_LITTLE and not await self._in_time(flight):
            now = self._elapsed()
            if now < line.plan.useless_at:
                return self._from_memory(line, now)
        return await self._arrival(question, line, flight, in_need=verdict is not Verdict.COLD)

    async def _insist(self, question: Question) -> Answer[Value]:
        """Answer with what AWS says from now on; any number of callers share the next call."""
        arrived = self._elapsed()
        while True:
            line = self._lines.find(question)
            asked = self._kind.canonical(question) if line is None else line.question
            flight = self._flights.of(asked)
            if flight is None or flight.began_at >= arrived:
                break
            await asyncio.wait({flight.task})
        if line is None:
            return await self._cold(question)
        now = self._elapsed()
        if flight is None:
            bucket = line.bucket.take(now)
            if bucket is None:
                return await self._read(question)
            line.bucket = bucket
            flight = self._asking.begin(asked)
        self._used(line, now)
        return await self._arrival(question, line, flight, in_need=self._limits.serve_stale)

    async def _cold(self, question: Question) -> Answer[Value]:
        asked = self._kind.canonical(question)
        self._asking.refusals.check(asked, self._elapsed())
        flight = self._asking.begin(asked)
        return self._landed(question, flight, await flight.landed())

    def _landed(
        self, question: Question, flight: Flight[Question, Value], copy: Copy[Value]
    ) -> Answer[Value]:
        now = self._elapsed()
        self._counts.misses += 1
        line = self._lines.find(question)
        if line is not None:
            self._used(line, now)
        return Answer(copy, int(now - flight.began_at), "miss")

    async def _arrival(
        self,
        question: Question,
        line: Line[Question, Value],
        flight: Flight[Question, Value],
        *,
        in_need: bool,
    ) -> Answer[Value]:
        """Wait for AWS; where it cannot be asked, give the held value if that may stand in."""
        same_id = self._kind.identity(flight.question) == self._kind.identity(question)
        try:
            copy = await flight.landed()
        except SidecarError as exc:
            now = self._elapsed()
            if exc.retryable and in_need and now < line.plan.useless_at:
                self._counts.stale += 1
                return Answer(line.held.copy, int(now - line.plan.asked_at), "stale")
            if exc.retryable or same_id:
                raise
        else:
            if same_id or self._kind.subject(question, copy.value) == line.held.subject.key:
                return self._landed(question, flight, copy)
        # AWS was asked by another id, and says that the two are not one any more.
        return await self._cold(question)

    async def _in_time(self, flight: Flight[Question, Value]) -> bool:
        """Wait until a little after AWS was asked; say whether it has answered."""
        left = flight.wanted_at + PATIENCE_SECONDS - self._elapsed()
        if left <= 0:
            return flight.task.done()
        patience = asyncio.ensure_future(self._clock.sleep(left))
        try:
            await asyncio.wait({flight.task, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
        return flight.task.done()

    def _from_memory(self, line: Line[Question, Value], now: float) -> Answer[Value]:
        age = int(now - line.plan.asked_at)
        if line.plan.fresh(now):
            self._counts.hits += 1
            return Answer(line.held.copy, age, "hit")
        self._counts.stale += 1
        return Answer(line.held.copy, age, "stale")

    def _used(self, line: Line[Question, Value], now: float) -> None:
        line.last_read = now
        self._touch(line.held)
