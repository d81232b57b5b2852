"""Asking AWS, and what its answers and refusals do to what is held."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic

from sidecar.clock import Clock
from sidecar.errors import SidecarError, UpstreamError
from sidecar.secret_cache.answer import Answer, Copy
from sidecar.secret_cache.contents import Contents
from sidecar.secret_cache.flights import Flight, Flights
from sidecar.secret_cache.freshness import first_pause, pause
from sidecar.secret_cache.kind import Kind, Question, Value
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.line import Line
from sidecar.secret_cache.refusals import Refusals
from sidecar.secret_cache.renewal import Renewal
from sidecar.secret_cache.statistics import Counts
from sidecar.secret_cache.watches import Watches

log = logging.getLogger(__name__)

# How often what is watched is asked for where nothing may be held.
_POLL_SECONDS: Final = 60.0


class Unexpected(SidecarError):
    """A bug, or what looks like one: it may pass, and is no refusal."""

    retryable = True


class Asking(Generic[Question, Value]):
    """The way to AWS and back.

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
        self._ask = ask
        self._clock = clock
        self._limits = limits
        self._jitter = jitter
        self.counts = Counts()
        self.contents: Contents[Question, Value] = Contents(kind, limits, jitter)
        self.flights: Flights[Question, Value] = Flights(self._call, clock.elapsed)
        self.refusals: Refusals[Question] = Refusals()
        self.watches: Watches[Question, Value] = Watches(kind.same)
        self.renewal = Renewal(self.contents.lines, self.watches, self.flights, clock, limits)

    def begin(self, question: Question) -> Flight[Question, Value]:
        """Ask AWS a question in its canonical form, or join those who are asking it."""
        return self.flights.join(question)

    def take_in(self, question: Question, value: Value, asked_at: float) -> Copy[Value]:
        """Hold an answer to such a question, and tell who waits for a change."""
        copy = self.contents.take_in(question, value, asked_at)
        line = self.contents.lines.find(question)
        if line is not None:
            for each in line.held.subject.lines.values():
                self.renewal.look_at(each.question, each.plan.due_at)
        self._tell_changes()
        if not self._limits.ttl_seconds and question in self.watches:
            self.watches.tell(question, Answer(copy, 0, "miss"))
            self.renewal.look_at(question, self._clock.elapsed() + _POLL_SECONDS)
        return copy

    async def _call(self, flight: Flight[Question, Value]) -> Copy[Value]:
        try:
            value = await self._ask(flight.question)
        except SidecarError as exc:
            self._failed(flight, exc)
            raise
        except Exception as exc:
            log.exception("reading %s failed unexpectedly", self._label(flight.question))
            error = Unexpected(f"unexpected {type(exc).__name__}; see the log")
            self._failed(flight, error)
            raise error from None
        self.counts.refreshes += 1
        if flight.outdated:
            return self.contents.copy(value)
        return self.take_in(flight.question, value, flight.began_at)

    def _failed(self, flight: Flight[Question, Value], error: SidecarError) -> None:
        self.counts.failures += 1
        line = self.contents.lines.find(flight.question)
        if flight.outdated or (line is not None and line.plan.asked_at > flight.began_at):
            return
        if not error.retryable:
            self._refused(flight.question, line, error)
        else:
            self._put_off(flight, line, error)
        if flight.question in self.watches and (line is None or not error.retryable):
            failures = self.watches.failed(flight.question)
            wait = pause(failures, error, self._jitter())
            self.renewal.look_at(flight.question, self._clock.elapsed() + wait)

    def _put_off(
        self,
        flight: Flight[Question, Value],
        line: Line[Question, Value] | None,
        error: SidecarError,
    ) -> None:
        """Leave AWS alone for a while: what is held, whatever leads to it, or else the question."""
        now = self._clock.elapsed()
        useless = line is None or now >= line.plan.useless_at
        # What AWS has not said, such as that there are no credentials yet, costs no call.
        if useless and isinstance(error, UpstreamError):
            self.refusals.note(flight.question, error, now, first_pause(self._jitter()))
        if line is None:
            return
        jitter = self._jitter()
        for each in line.held.lines():
            if each.plan.asked_at <= flight.began_at:
                each.follow(each.plan.after(error, now, jitter=jitter))
                self.renewal.look_at(each.question, each.plan.due_at)
        log.warning(
            "%s cannot be renewed and is served as it is: %s; next attempt in %.1f s",
            self._label(line.question),
            error.message,
            line.plan.due_at - now,
        )

    def _refused(
        self, question: Question, line: Line[Question, Value] | None, error: SidecarError
    ) -> None:
        """Forget what AWS refuses, whatever leads to it, and doubt what else it gave of it."""
        now = self._clock.elapsed()
        self.refusals.note(question, error, now)
        if line is None:
            return
        log.warning("%s is forgotten: AWS refused it", self._label(question))
        subject = line.held.subject
        for each in line.held.lines():
            self.contents.lines.drop(each)
        # What was asked for before would bring back what has just been refused.
        subject.derived_from = now
        self.flights.outdate(
            lambda asked: (
                self._kind.identity(asked) in subject.identities
                and self._kind.selector(asked) not in subject.lines
            )
        )
        for watched in self.watches:
            if watched != question and self._kind.identity(watched) in subject.identities:
                self.renewal.look_at(watched, now)
        others = list(subject.lines.values())
        for other in others:
            other.follow(other.plan.invalidated(now))
        self.renewal.hurry(others)

    def _tell_changes(self) -> None:
        for question in self.watches:
            line = self.contents.lines.find(question)
            if line is not None:
                self.watches.tell(question, Answer(line.held.copy, 0, "hit"))

    def _label(self, question: Question) -> str:
        # The id is a caller's own text: a log line shows no more than the beginning of it.
        return ascii(self._kind.label(question)[:200])[1:-1]
