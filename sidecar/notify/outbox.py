"""One sink's notices on their way: they wait here, and whoever tells them never does."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from threading import Lock
from types import MappingProxyType
from typing import Final, Protocol

from sidecar.clock import Clock
from sidecar.errors import SidecarError, UpstreamTimeout
from sidecar.notice import Notice
from sidecar.notify.attempts import GIVE_UP_SECONDS, asked_pause, pause_after
from sidecar.notify.wanted import Wanted

log = logging.getLogger(__name__)

MOST_WAITING: Final = 256
CLOSING_SECONDS: Final = 3.0
# Sinks have timeouts of their own, and shorter ones; this one is for what they do not think of.
LONGEST_ATTEMPT_SECONDS: Final = 30.0


class Sink(Protocol):
    """Brings one notice somewhere."""

    async def send(self, notice: Notice) -> None:
        """Send it once.

        Raises:
            SidecarError: it did not arrive; whether to try again, and when, the error says.

        """
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How a sink stands.

    Args:
        sent: how many notices arrived.
        failed: how many were given up.
        dropped: how many found the queue full, or were left over at the end.
        queued: how many wait, the one that is being sent included.
        trouble: why the last attempt failed; None: it did not.

    """

    sent: int
    failed: int
    dropped: int
    queued: int
    trouble: str | None


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
        self._ended = False
        self._sent = self._failed = self._dropped = 0
        self._trouble: SidecarError | None = None
        # Until when, in seconds of the clock, the sink asked to be left alone.
        self._not_before = 0.0

    def standing(self) -> Standing:
        """Say how it stands."""
        trouble = None if self._trouble is None else self._trouble.message
        return Standing(self._sent, self._failed, self._dropped, len(self._waiting), trouble)

    def tell(self, notice: Notice) -> None:
        """Take a notice in, or count it as dropped; returns at once, in whatever thread."""
        if not self._wanted.passes(notice):
            return
        with self._lock:
            if self._ended or len(self._waiting) >= MOST_WAITING:
                self._dropped += 1
                return
            self._waiting.append((notice, self._clock.elapsed() + GIVE_UP_SECONDS))
        with suppress(RuntimeError):  # the loop has ended, and so has everything
            self._loop.call_soon_threadsafe(self._arrived.set)

    async def run(self) -> None:
        """Send for ever, or until everything is sent once `close` was called."""
        while True:
            self._arrived.clear()
            while self._waiting:
                await self._deliver(*self._waiting[0])
                self._waiting.popleft()
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
            self._dropped += left
            self._waiting.clear()
        if left:
            log.warning("notify %s: ended with %d notices that were not sent", self.name, left)

    async def _deliver(self, notice: Notice, deadline: float) -> None:
        """Try until it arrives, or until that is no use any more."""
        failures = 0
        while await self._may_be_asked(deadline):
            trouble = await self._attempt(notice)
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
        self._failed += 1
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

    async def _attempt(self, notice: Notice) -> SidecarError | None:
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT_SECONDS):
                await self._sink.send(notice)
        except SidecarError as exc:
            return exc
        except TimeoutError:
            return UpstreamTimeout("it did not answer in time")
        except Exception as exc:  # a bug in one sink must not end the others, or the sidecar
            log.exception("notify %s: failed unexpectedly", self.name)
            return SidecarError(f"unexpected {type(exc).__name__}; see the log")
        return None

    def _arrived_well(self) -> None:
        self._sent += 1
        if self._trouble is not None:
            log.info("notify %s: works again", self.name)
        self._trouble = None

    def _note(self, trouble: SidecarError) -> None:
        """Log a trouble when it begins or changes, not at each attempt."""
        if self._trouble is None or self._trouble.message != trouble.message:
            hint = f" (hint: {trouble.hint})" if trouble.hint else ""
            log.warning("notify %s: not sent: %s%s", self.name, trouble.message, hint)
        self._trouble = trouble

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
