"""When a notice that did not arrive is sent again, and when it is given up."""

from typing import Final

from sidecar.errors import SidecarError, UpstreamUnavailable

# Older news than that is in the log and in the status, and what is new should not wait behind it.
GIVE_UP_SECONDS: Final = 600.0
_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 60.0


def pause_after(
    trouble: SidecarError, failures: int, *, jitter: float, left: float
) -> float | None:
    """Tell for how many seconds to wait before the next attempt; None to give up.

    Args:
        trouble: what became of the last attempt.
        failures: how many in a row failed, at least one.
        jitter: a random number from 0 up to 1.
        left: how many seconds are left until the notice is too old.

    """
    if not trouble.retryable:
        return None
    # Bounded before it is raised to a power: an outage may last.
    most = min(_FIRST_SECONDS * 2.0 ** min(failures - 1, 10), _LONGEST_SECONDS)
    asked = trouble.retry_after_seconds if isinstance(trouble, UpstreamUnavailable) else 0.0
    # Half of it is certain, so that a sink in trouble is never asked at once.
    pause = asked + most * (0.5 + jitter / 2)
    return pause if pause <= left else None
