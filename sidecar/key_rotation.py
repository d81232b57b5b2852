"""One secret's key, kept in the background: rotated in its windows, the old one retired in time."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sidecar.aws.daemon_threads import run_in_daemon_thread
from sidecar.clock import Clock, iso_seconds
from sidecar.errors import NotReady, SidecarError
from sidecar.rotation.due import next_rotation
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.retirement import Wait
from sidecar.rotation.schedule import Schedule
from sidecar.rotation.trial import KeyNotWorking

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

# Somebody else may have rotated, restored or adopted: no look is further away than this.
_LONGEST: Final = timedelta(hours=1)
_SHORTEST: Final = timedelta(seconds=10)
# At the start a role has its session a moment later: that is no trouble, and soon over.
_AFTER_NOT_READY: Final = timedelta(seconds=1)
_NOT_READY_TOLD_AFTER: Final = timedelta(seconds=30)
_AFTER_FAILURE: Final = timedelta(minutes=5)
# From here on a pause is the longest one whatever the number of failures.
_DOUBLED_AT_MOST: Final = 4


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When to rotate: a schedule, or None where people do it, and where in a window (0 up to 1)."""

    schedule: Schedule | None
    spread: float


class KeyRotation:
    """Rotates one secret's key in its windows and retires the one that was replaced.

    Args:
        name: the secret, as the configuration names it.
        keeper: does it, in a thread.
        rhythm: when.
        changed: called with the secret after its value has changed, or a trial of its key failed.
        clock: the wall clock.
        lend: lends what the keeper asks with, and hears of what is raised meanwhile.

    """

    def __init__(
        self,
        name: str,
        keeper: Keeper,
        rhythm: Rhythm,
        changed: Callable[[str], object],
        clock: Clock,
        lend: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.name = name
        self._keeper = keeper
        self._rhythm = rhythm
        self._changed = changed
        self._clock = clock
        self._lend = lend
        self._trouble: SidecarError | None = None
        self._failures = 0
        self._not_ready_looks = 0
        self._not_ready_since = 0.0

    @property
    def trouble(self) -> str | None:
        """Why the last look came to nothing; None where it did not."""
        return None if self._trouble is None else self._trouble.message

    async def run(self) -> None:
        """Keep it for ever; ends only when cancelled."""
        while True:
            pause = await self._looked()
            await self._clock.sleep(pause.total_seconds())

    async def _looked(self) -> timedelta:
        """Do what is due, and tell for how long nothing is."""
        try:
            upcoming = await self._both()
        except NotReady as exc:
            return self._waiting(exc)
        except SidecarError as exc:
            return self._failed(exc)
        except Exception as exc:  # a bug must not end what keeps other keys
            log.exception("keeping the key in %s failed unexpectedly", self.name)
            self._trouble = SidecarError(f"unexpected {type(exc).__name__}; see the log")
            return _LONGEST
        self._trouble, self._failures, self._not_ready_looks = None, 0, 0
        now = self._clock.now()
        waits = [each - now for each in upcoming if each is not None]
        return max(_SHORTEST, min([*waits, _LONGEST]))

    async def _both(self) -> list[datetime | None]:
        """Retire and rotate; neither keeps the other from being done, the first failure is told."""
        upcoming: list[datetime | None] = []
        failed: list[SidecarError] = []
        for work in (self._reaped, self._rotated):
            try:
                with self._lend():
                    upcoming.append(await work())
            except SidecarError as exc:
                failed.append(exc)
                if isinstance(exc, KeyNotWorking):  # what roles serve may not work either
                    self._changed(self.name)
        if failed:
            raise failed[0]
        return upcoming

    async def _rotated(self) -> datetime | None:
        """Rotate if it is time; tell when it will be."""
        if self._rhythm.schedule is None:
            return None
        rotated_at = await _in_thread(self._keeper.rotated_at)
        now = self._clock.now()
        due = next_rotation(self._rhythm.schedule, rotated_at, now, spread=self._rhythm.spread)
        if due > now:
            return due
        log.info("rotating the key in %s", self.name)
        version = await _in_thread(self._keeper.rotate)
        log.info("the key in %s is rotated: version %s is current", self.name, version)
        self._changed(self.name)
        return None

    async def _reaped(self) -> datetime | None:
        reaped = await _in_thread(self._keeper.reap)
        for each in reaped.done:
            log.info("%s: %s", self.name, each)
        return reaped.next.until if isinstance(reaped.next, Wait) else None

    def _waiting(self, exc: NotReady) -> timedelta:
        """Tell of it only once it has lasted: the role says itself why it has no session."""
        elapsed = self._clock.elapsed()
        if self._not_ready_looks == 0:
            self._not_ready_since = elapsed
        doubled = min(self._not_ready_looks, _DOUBLED_AT_MOST)
        self._not_ready_looks += 1
        if elapsed - self._not_ready_since >= _NOT_READY_TOLD_AFTER.total_seconds():
            self._trouble = exc
        pause: timedelta = _AFTER_NOT_READY * 2**doubled
        return min(pause, _SHORTEST)

    def _failed(self, exc: SidecarError) -> timedelta:
        """Say that nothing came of it, and tell how long to wait: longer each time in a row."""
        doubled = min(self._failures, _DOUBLED_AT_MOST)
        self._trouble, self._failures, self._not_ready_looks = exc, self._failures + 1, 0
        log.warning(
            "the key in %s is not rotated or retired: %s (hint: %s); seen at %s",
            self.name,
            exc.message,
            exc.hint or "none",
            iso_seconds(self._clock.now()),
        )
        pause: timedelta = _AFTER_FAILURE * (1 + self._rhythm.spread) * 2**doubled
        return min(pause, _LONGEST)


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    return await run_in_daemon_thread(work, lambda: None)
