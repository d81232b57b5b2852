"""A role's credentials, renewed in the background and read without waiting."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sidecar.clock import Clock, iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import NotReady, SidecarError
from sidecar.providers.refresh_policy import THROTTLED, Streak, pace_after, renew_at

log = logging.getLogger(__name__)

# How long a timer may run before the wall clock is looked at again: a laptop that slept, or a
# clock that was set, is noticed within this time.
_LONGEST_SLEEP_SECONDS = 5.0
# A session is not renewed on a doubt before it is this old: an app that sends nonsense must not be
# able to make us spend the account's ten CreateSession calls a second.
_DOUBT_PAUSE = timedelta(seconds=30)
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


@dataclass(frozen=True, slots=True)
class _Rest:
    """Until when to do nothing, and what may shorten that."""

    due: datetime
    doubted_from: datetime
    may_hurry: bool = True


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
        self._hurried = False
        self._nap: asyncio.Task[None] | None = None
        self._on_change: list[Callable[[Credentials], None]] = []

    def on_change(self, listener: Callable[[Credentials], None]) -> None:
        """Call `listener` with every new set, at the moment it starts to be served."""
        self._on_change.append(listener)

    def current(self) -> Credentials:
        """Return the set in use.

        Raises:
            NotReady: there is none yet or it has expired; the message says why.

        """
        credentials = self._credentials
        if credentials is not None and not credentials.expired(self._now()):
            return credentials
        raise self._not_ready()

    async def settled(self, timeout_seconds: float) -> None:
        """Wait until the first attempt has ended, well or badly, but no longer than that."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._attempted.wait(), timeout_seconds)

    def doubt(self, credentials: Credentials) -> None:
        """Say that AWS refused this set: it is renewed soon, unless that has happened already."""
        if credentials is self._credentials:
            self._doubted = True

    def renew_soon(self) -> None:
        """Ask for a renewal within seconds, such as after a change of what the source signs with.

        The set in use stays; any number of calls before the renewal begins are one, and a call
        while one is under way asks for another after it. It cuts a pause after a failure short too,
        but not one that AWS asked for by throttling.
        """
        self._hurried = True
        if self._nap is not None:
            self._nap.cancel()

    async def run(self) -> None:
        """Renew for ever, ahead of need; ends only when cancelled."""
        start = self._now() + self._start_spread * self._jitter()
        await self._take(_Rest(start, doubted_from=start))
        while True:
            rest = await self._attempt()
            await self._take(rest)

    async def _attempt(self) -> _Rest:
        """Ask the source once and say when to ask again."""
        self._hurried = False
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

    def _renewed(self, credentials: Credentials) -> _Rest:
        if failures := self._streak.failures:
            log.warning("role %s: recovered after %d failures", self.name, failures)
        self._credentials = credentials
        self._received_at = self._clock.elapsed()
        self._streak = Streak()
        self._last_error = None
        self._doubted = False
        self._tell_listeners(credentials)
        due = max(renew_at(credentials, jitter=self._jitter()), self._now() + _SHORTEST_REST)
        log.info(
            "role %s: new session until %s, next renewal %s",
            self.name,
            iso_seconds(credentials.expires_at),
            iso_seconds(due),
        )
        return _Rest(due, doubted_from=self._now() + _DOUBT_PAUSE)

    def _tell_listeners(self, credentials: Credentials) -> None:
        for listener in self._on_change:
            try:
                listener(credentials)
            except Exception:  # a bug in a listener must not end the renewing either
                log.exception("role %s: a listener failed on a new session", self.name)

    def _failed(self, exc: SidecarError) -> _Rest:
        self._streak = self._streak.after(exc)
        self._last_error = exc
        wait = self._streak.pause(jitter=self._jitter())
        log.warning(
            "role %s: no new session, attempt %d: %s%s; next attempt in %.1f s; %s",
            self.name,
            self._streak.failures,
            exc.message,
            f" (hint: {exc.hint})" if exc.hint else "",
            wait.total_seconds(),
            self._what_is_left(),
        )
        due = self._now() + wait
        return _Rest(due, doubted_from=due, may_hurry=pace_after(exc) is not THROTTLED)

    async def _take(self, rest: _Rest) -> None:
        """Sleep in short stretches, so that a changed wall clock or a doubt is noticed."""
        due, hurrying = rest.due, False
        while (left := (due - self._now()).total_seconds()) > 0:
            if self._doubted and self._now() >= rest.doubted_from:
                break
            if self._hurried and rest.may_hurry and not hurrying:
                due, hurrying = min(due, self._now() + _HURRY * self._jitter()), True
                continue
            await self._doze(min(left, _LONGEST_SLEEP_SECONDS))

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
