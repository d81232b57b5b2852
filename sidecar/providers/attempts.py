"""A first session for a command that ends: a few attempts, then the reason."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import SidecarError
from sidecar.providers.refresh_policy import Streak
from sidecar.providers.refreshing import RoleSource

log = logging.getLogger(__name__)

# All pauses together: a program waits for the command, and many give up after a minute. The reason
# must come before.
_LONGEST_PAUSES: Final = timedelta(seconds=30)


async def first_session(
    source: RoleSource, clock: Clock, *, attempts: int, jitter: Callable[[], float]
) -> Credentials:
    """Ask for a session, again where that may help, with the pauses of the refreshing role.

    Args:
        source: whom to ask.
        clock: what to sleep by.
        attempts: how often to ask at most, at least once.
        jitter: gives a random number from 0 up to 1.

    Raises:
        SidecarError: of the last attempt; at once when asking again will not help, or not soon.

    """
    streak, left = Streak(), _LONGEST_PAUSES
    for attempt in range(1, attempts):
        try:
            return await source.fetch()
        except SidecarError as exc:
            streak = streak.after(exc)
            pause = streak.pause(jitter=jitter())
            if not exc.retryable or pause > left:
                raise
            left -= pause
            log.warning(
                "attempt %d of %d: %s; next attempt in %.1f s",
                attempt,
                attempts,
                exc.message,
                pause.total_seconds(),
            )
        await clock.sleep(pause.total_seconds())
    return await source.fetch()
