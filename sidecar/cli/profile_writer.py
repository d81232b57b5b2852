"""Handing a role's sessions to a profile of the credentials file, again until it holds them."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from sidecar.clock import Clock, iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import SidecarError
from sidecar.providers.refresh_policy import back_off

log = logging.getLogger("sidecar.update")


class ProfileWriter:
    """Writes the latest session; one that cannot be written is tried again, without asking AWS.

    Args:
        write: puts a session into the file; SidecarError when it cannot.
        clock: what to sleep by.
        jitter: gives a random number from 0 up to 1.

    """

    def __init__(
        self,
        write: Callable[[Credentials], Awaitable[None]],
        clock: Clock,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._write = write
        self._clock = clock
        self._jitter = jitter
        self._pending: Credentials | None = None
        self._come = asyncio.Event()

    def take(self, session: Credentials) -> None:
        """Have a session written, in place of one that has not been yet."""
        self._pending = session
        self._come.set()

    async def run(self) -> None:
        """Write for ever; ends only when cancelled."""
        while True:
            await self._come.wait()
            self._come.clear()
            await self._until_written()

    async def _until_written(self) -> None:
        failures = 0
        while (session := self._pending) and not session.expired(self._clock.now()):
            try:
                await self._write(session)
            except SidecarError as exc:
                failures += 1
                pause = back_off(failures, jitter=self._jitter())
                log.warning(
                    "the session is not written, attempt %d: %s (hint: %s); next in %.1f s",
                    failures,
                    exc.message,
                    exc.hint,
                    pause.total_seconds(),
                )
                await self._clock.sleep(pause.total_seconds())
            else:
                log.info("written: a session until %s", iso_seconds(session.expires_at))
                if self._pending is session:
                    self._pending = None
