"""One sink's notices on their way: they wait here, and whoever tells them never does."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from threading import Lock
from types import MappingProxyType
from typing import Final

from sidecar.clock import Clock
from sidecar.errors import SidecarError
from sidecar.notice import Notice
from sidecar.notify.attempts import GIVE_UP_SECONDS, asked_pause, pause_after
from sidecar.notify.sink import Sink, attempt
from sidecar.notify.standing import Standing, Tally
from sidecar.notify.wanted import Wanted

log = logging.getLogger(__name__)

MOST_WAITING: Final = 256
CLOSING_SECONDS: Final = 3.0
_ENDED: Final = "the sidecar ended"


class Outbox:
    """Takes notices from any thread and sends them one after another.

    Args:
        name: the sink, as the configuration names it.
        sink: where they go.
        wanted: which of them.
        clock: the clock.
        jitter: gives a random number from 0 up to 1.

    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        wanted: Wanted,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._sink, self._wanted, self._clock, self._jitter = sink, wanted, clock, jitter
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._waiting: deque[tuple[Notice, float]] = deque()
        self._arrived, self._closing = asyncio.Event(), asyncio.Event()
        self._ended = self._overflowed = False
        self._tally = Tally()
        # Until when, in seconds of the clock, the sink asked to be left alone.
        self._not_before = 0.0

    def standing(self) -> Standing:
        """Say how it stands."""
        with self._lock:
            return self._tally.standing(len(self._waiting))

    def tell(self, notice: Notice) -> None:
        """Take a notice in, or count it as dropped; returns at once, in whatever thread."""
        if not self._wanted.passes(notice):
            return
        if self._taken_in(notice):
            with suppress(RuntimeError):  # the loop has ended, and so has everything
                self._loop.call_soon_threadsafe(self._arrived.set)

    async def run(self) -> None:
        """Send for ever, or until everything is sent once `close` was called."""
        while True:
            self._arrived.clear()
            while self._waiting:
                await self._deliver(*self._waiting[0])
            self._overflowed = False
            if self._closing.is_set():
                return
            await self._arrived.wait()

    def close(self) -> None:
        """Let it end: what waits is tried once more, without pauses."""
        self._closing.set()
        self._arrived.set()

    def give_up(self) -> None:
        """Count what waits as dropped, and take nothing more."""
        with self._lock:
            self._ended = True
            left = len(self._waiting)
            if left:
                self._tally.drop(left, _ENDED, self._clock.now())
            self._waiting.clear()
        if left:
            log.warning("notify %s: ended with %d notices that were not sent", self.name, left)

    def _taken_in(self, notice: Notice) -> bool:
        with self._lock:
            if not self._ended and len(self._waiting) < MOST_WAITING:
                self._waiting.append((notice, self._clock.elapsed() + GIVE_UP_SECONDS))
                return True
            trouble = self._tally.trouble
            full = f"{MOST_WAITING} wait already: {trouble.message if trouble else 'it is slow'}"
            self._tally.drop(1, _ENDED if self._ended else full, self._clock.now())
            known, self._overflowed = self._overflowed or self._ended, True
        if not known:  # of many that are dropped the first is news
            log.warning("notify %s: notices are dropped: %s", self.name, full)
        return False

    async def _deliver(self, notice: Notice, deadline: float) -> None:
        """Try until it arrives, or until that is no use any more; then it waits no longer."""
        failures = 0
        while await self._may_be_asked(deadline):
            trouble = await attempt(self.name, self._sink, notice)
            if trouble is None:
                self._arrived_well()
                return
            failures += 1
            elapsed = self._clock.elapsed()
            self._not_before = elapsed + asked_pause(trouble)
            left = deadline - elapsed
            pause = pause_after(trouble, failures, jitter=self._jitter(), left=left)
            self._note(trouble)
            if pause is None or self._closing.is_set():
                break
            await self._rest(pause)
        with self._lock:
            self._tally.given_up(self._clock.now())
            self._waiting.popleft()
        log.warning("notify %s: a notice of %s is given up", self.name, notice.kind.value)

    async def _may_be_asked(self, deadline: float) -> bool:
        """Leave the sink alone for as long as it asked for; False: a notice is too old by then."""
        pause = self._not_before - self._clock.elapsed()
        if pause <= 0 or self._closing.is_set():
            return True
        if self._not_before > deadline:
            return False
        await self._rest(pause)
        return True

    def _arrived_well(self) -> None:
        if self._tally.trouble is not None:
            log.info("notify %s: works again", self.name)
        with self._lock:
            self._tally.arrived(self._clock.now())
            self._waiting.popleft()

    def _note(self, trouble: SidecarError) -> None:
        """Log a trouble when it begins or changes, not at each attempt."""
        known = self._tally.trouble
        if known is None or known.message != trouble.message:
            hint = f" (hint: {trouble.hint})" if trouble.hint else ""
            log.warning("notify %s: not sent: %s%s", self.name, trouble.message, hint)
        self._tally.not_sent(trouble, self._clock.now())

    async def _rest(self, seconds: float) -> None:
        """Sleep, but not on when it is to end."""
        nap = asyncio.ensure_future(self._clock.sleep(seconds))
        end = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({nap, end}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            end.cancel()


class Outboxes:
    """Every sink's outbox; what is told is told to all of them.

    Args:
        outboxes: one for each sink.
        here: facts that are added to every notice, such as the host's name.

    """

    def __init__(
        self, outboxes: Sequence[Outbox] = (), here: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._outboxes = tuple(outboxes)
        self._here = here

    def tell(self, notice: Notice) -> None:
        """Take a notice in for every sink that wants it; returns at once, in whatever thread."""
        known = replace(notice, facts={**notice.facts, **self._here})
        for each in self._outboxes:
            each.tell(known)

    def standings(self) -> Mapping[str, Standing]:
        """Say how every sink stands."""
        return {each.name: each.standing() for each in self._outboxes}

    def warnings(self) -> dict[str, str]:
        """Say which sinks could not be reached last time."""
        stands = self.standings().items()
        return {f"notify {name}": f"not sent: {s.trouble}" for name, s in stands if s.trouble}


@asynccontextmanager
async def running_outboxes(
    outboxes: Sequence[Outbox], here: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Outboxes]:
    """Send until the block is left, and then what waits, for a few seconds at the most."""
    tasks = [asyncio.create_task(each.run()) for each in outboxes]
    try:
        yield Outboxes(outboxes, here)
    finally:
        for each in outboxes:
            each.close()
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
        finally:  # also when whoever ends the sidecar does not wait so long
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in outboxes:
                each.give_up()
