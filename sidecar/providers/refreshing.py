"""A role's credentials, renewed in the background and read without waiting."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from sidecar.clock import Clock, iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import NotReady, SidecarError
from sidecar.providers.refresh_policy import (
    DOUBTED,
    THROTTLED,
    Streak,
    back_off,
    pace_after,
    renew_at,
)
from sidecar.providers.rest import Rest

log = logging.getLogger(__name__)

# How long a timer may run before the wall clock is looked at again: a laptop that slept, or a
# clock that was set, is noticed within this time.
_LONGEST_SLEEP_SECONDS = 5.0
# A changed identity shall be seen at AWS within seconds, yet not by a thousand sidecars at once.
_HURRY = timedelta(seconds=5)
# A source that hands out a set long after it was issued must not be asked without end.
_SHORTEST_REST = timedelta(seconds=1)

_SOON = "ask again in a second"


class RoleSource(Protocol):
    """Anything that can give a fresh set of credentials."""

    async def fetch(self) -> Credentials:
        """Ask for a new set; SidecarError when there is none to be had."""
        ...


class RefreshingRole:
    """One role's credentials: one flight at a time, last good set kept until it expires.

    `run` is its only writer, so no lock is needed; `current` never awaits. A new set replaces the
    old by one assignment, and a failure replaces nothing.

    Args:
        name: the role's name in the configuration.
        source: where new sets come from.
        clock: the wall clock.
        jitter: gives a random number from 0 up to 1.
        start_spread: within which time the first session is asked for, at random; for fleets of
            thousands that start at once. Zero asks at once.

    """

    def __init__(
        self,
        name: str,
        source: RoleSource,
        clock: Clock,
        *,
        jitter: Callable[[], float] = random.random,
        start_spread: timedelta = timedelta(0),
    ) -> None:
        self.name = name
        self._source = source
        self._clock = clock
        self._jitter = jitter
        self._start_spread = start_spread
        self._credentials: Credentials | None = None
        self._received_at = 0.0
        self._streak = Streak()
        self._last_error: SidecarError | None = None
        self._attempted = asyncio.Event()
        self._doubted = False
        self._doubts = 0
        self._hurried = False
        self._rest: Rest | None = None
        self._nap: asyncio.Task[None] | None = None
        self._on_change: list[Callable[[Credentials], None]] = []
        self._on_doubt: list[Callable[[], None]] = []
        self._on_failure: list[Callable[[SidecarError], None]] = []

    def on_change(self, listener: Callable[[Credentials], None]) -> None:
        """Call `listener` with every new set, at the moment it starts to be served."""
        self._on_change.append(listener)

    def on_doubt(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the set in use is doubted; it must not fail."""
        self._on_doubt.append(listener)

    def on_failure(self, listener: Callable[[SidecarError], None]) -> None:
        """Call `listener` with why there is no new set, at each attempt; it must not fail."""
        self._on_failure.append(listener)

    def current(self) -> Credentials:
        """Return the set in use.

        Raises:
            NotReady: there is none yet or it has expired; the message says why.

        """
        credentials = self._credentials
        if credentials is not None and not credentials.expired(self._now()):
            return credentials
        raise self._not_ready()

    def trouble(self) -> str | None:
        """Say why the last attempt to renew failed, whatever is still served; None: it did not."""
        return None if self._last_error is None else self._last_error.message

    def next_attempt(self) -> datetime | None:
        """Tell when a session will be asked for next, as it looks now; None: that goes on now."""
        if self._rest is None:
            return None
        return self._clock.now() + timedelta(seconds=max(0.0, self._until(self._rest)))

    async def settled(self, timeout_seconds: float) -> None:
        """Wait until the first attempt has ended, well or badly, but no longer than that."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._attempted.wait(), timeout_seconds)

    def doubt(self, credentials: Credentials) -> None:
        """Say that AWS refused this set: it is renewed soon, unless that has happened already.

        How soon doubles with every set in a row that was doubted too, up to half an hour: a fault
        that no new set mends must not spend the account's ten CreateSession calls a second.
        """
        if credentials is self._credentials:
            self._doubted = True
            for listener in self._on_doubt:
                listener()

    def renew_soon(self) -> None:
        """Ask for a renewal within seconds, such as after a change of what the source signs with.

        The set in use stays; any number of calls before the renewal begins are one, and a call
        while one is under way asks for another after it. It cuts a pause after a failure short too,
        but not to less than throttling makes it.
        """
        self._hurried = True
        if self._nap is not None:
            self._nap.cancel()

    async def run(self) -> None:
        """Renew for ever, ahead of need; ends only when cancelled."""
        spread = self._start_spread.total_seconds() * self._jitter()
        await self._take(Rest(self._clock.elapsed() + spread))
        while True:
            rest = await self._attempt()
            await self._take(rest)

    async def _attempt(self) -> Rest:
        """Ask the source once and say when to ask again."""
        if self._hurried:
            self._hurried, self._streak = False, self._streak.with_something_new()
        try:
            credentials = await self._source.fetch()
        except SidecarError as exc:
            return self._failed(exc)
        except Exception as exc:  # a bug in a source must not end the renewing
            log.exception("role %s: renewing failed unexpectedly", self.name)
            return self._failed(SidecarError(f"unexpected {type(exc).__name__}; see the log"))
        else:
            if credentials.expired(self._clock.now()):
                return self._failed(SidecarError("the source gave a set that has expired already"))
            return self._renewed(credentials)
        finally:
            self._attempted.set()

    def _renewed(self, credentials: Credentials) -> Rest:
        if failures := self._streak.failures:
            log.warning("role %s: recovered after %d failures", self.name, failures)
        self._credentials = credentials
        self._received_at = self._clock.elapsed()
        self._streak = Streak()
        self._last_error = None
        self._doubts = self._doubts + 1 if self._doubted else 0
        self._doubted = False
        self._tell_listeners(credentials)
        due = max(renew_at(credentials, jitter=self._jitter()), self._now() + _SHORTEST_REST)
        log.info(
            "role %s: new session until %s, next renewal %s",
            self.name,
            iso_seconds(credentials.expires_at),
            iso_seconds(due),
        )
        trusted = back_off(self._doubts + 1, DOUBTED, jitter=0)
        return Rest(renewal=due, doubted_from=self._in(trusted))

    def _tell_listeners(self, credentials: Credentials) -> None:
        for listener in self._on_change:
            try:
                listener(credentials)
            except Exception:  # a bug in a listener must not end the renewing either
                log.exception("role %s: a listener failed on a new session", self.name)

    def _failed(self, exc: SidecarError) -> Rest:
        self._streak = self._streak.after(exc, left=self._left())
        self._last_error = exc
        for listener in self._on_failure:
            listener(exc)
        jitter = self._jitter()
        wait = self._streak.pause(jitter=jitter)
        log.warning(
            "role %s: no new session, attempt %d: %s%s; next attempt in %.1f s; %s",
            self.name,
            self._streak.failures,
            exc.message,
            f" (hint: {exc.hint})" if exc.hint else "",
            wait.total_seconds(),
            self._what_is_left(),
        )
        if pace_after(exc) is not THROTTLED:
            return Rest(self._in(wait))
        as_throttled = replace(self._streak, pace=THROTTLED).pause(jitter=jitter)
        return Rest(self._in(wait), hurried_from=self._in(as_throttled))

    async def _take(self, rest: Rest) -> None:
        """Sleep in short stretches, so that a changed wall clock or a doubt is noticed."""
        hurrying = False
        self._rest = rest
        while (seconds := self._until(rest)) > 0:
            if self._doubted and self._clock.elapsed() >= rest.doubted_from:
                break
            if self._hurried and not hurrying:
                soon = max(self._in(_HURRY * self._jitter()), rest.hurried_from)
                rest, hurrying = replace(rest, ends=min(rest.ends, soon)), True
                self._rest = rest
                continue
            await self._doze(min(seconds, _LONGEST_SLEEP_SECONDS))
        self._rest = None

    def _until(self, rest: Rest) -> float:
        """Tell for how many seconds a rest goes on."""
        pause = rest.ends - self._clock.elapsed()
        if rest.renewal is None:
            return pause
        return min(pause, (rest.renewal - self._now()).total_seconds())

    def _in(self, wait: timedelta) -> float:
        """Tell when a wait that begins now is over."""
        return self._clock.elapsed() + wait.total_seconds()

    async def _doze(self, seconds: float) -> None:
        """Sleep, or less when `renew_soon` is called."""
        self._nap = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait({self._nap})
        finally:
            self._nap.cancel()
            self._nap = None

    def _now(self) -> datetime:
        """Tell the time by the wall clock, but never by less than has passed since the last set.

        A clock that is set back must not make an old set look young.
        """
        wall = self._clock.now()
        if self._credentials is None:
            return wall
        age = timedelta(seconds=self._clock.elapsed() - self._received_at)
        return max(wall, self._credentials.issued_at + age)

    def _left(self) -> timedelta:
        """Tell how long the set in use still lives; zero or less when there is none to lose."""
        held = self._credentials
        return timedelta(0) if held is None else held.remaining(self._now())

    def _what_is_left(self) -> str:
        credentials = self._credentials
        if credentials is None:
            return "nothing to serve"
        if credentials.expired(self._now()):
            return "the last session has expired"
        return f"the last session is served until {iso_seconds(credentials.expires_at)}"

    def _not_ready(self) -> NotReady:
        why = self._last_error
        if why is not None:
            return NotReady(f"no valid session for role {self.name}: {why}", hint=why.hint)
        if self._credentials is not None:
            return NotReady(f"the last session of role {self.name} has expired", hint=_SOON)
        return NotReady(f"no session for role {self.name} yet", hint=_SOON)
