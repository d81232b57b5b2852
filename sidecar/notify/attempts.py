"""When a notice that did not arrive is sent again, and when it is given up."""

from typing import Final

from sidecar.errors import SidecarError, UpstreamUnavailable

# Older news than that is in the log and in the status, and what is new should not wait behind it.
GIVE_UP_SECONDS: Final = 600.0
_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 60.0
# Whoever asks to be left alone for longer may have meant something else, and is asked again.
_LONGEST_ASKED_SECONDS: Final = 3600.0


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
    asked = asked_pause(trouble)
    # Half of it is certain, so that a sink in trouble is never asked at once.
    pause = asked + most * (0.5 + jitter / 2)
    return pause if pause <= left else None


def asked_pause(trouble: SidecarError) -> float:
    """Tell for how many seconds the sink asked to be left alone, with whatever notice."""
    if not isinstance(trouble, UpstreamUnavailable):
        return 0.0
    return min(trouble.retry_after_seconds, _LONGEST_ASKED_SECONDS)
