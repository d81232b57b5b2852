"""When to renew credentials and how long to wait after a failure: pure decisions."""

from datetime import datetime, timedelta
from typing import Final

from sidecar.credentials import Credentials

# botocore asks again on every call under 15 minutes left, .NET likewise; keeping 20 leaves room.
_KEEP_LEFT: Final = timedelta(minutes=20)
# Or a 15-minute session would be renewed without end, its whole life being under those 20 minutes.
_LARGEST_MARGIN_SHARE: Final = 0.7
_JITTER_SHARE: Final = 0.1

_BACK_OFF_BASE: Final = timedelta(seconds=1)
_BACK_OFF_CAP: Final = timedelta(seconds=60)
_MAX_DOUBLINGS: Final = 10


def renewal_margin(lifetime: timedelta) -> timedelta:
    """How much of a session must be left for it to be kept: max(20 min, half), within reason."""
    return min(max(_KEEP_LEFT, lifetime / 2), lifetime * _LARGEST_MARGIN_SHARE)


def renew_at(credentials: Credentials, *, jitter: float) -> datetime:
    """Say when to renew this set.

    Jitter moves the moment earlier, never later, so that what is served always has its margin.

    Args:
        credentials: the set in use.
        jitter: random, 0 up to 1; spreads machines that started together.

    """
    lifetime = credentials.lifetime
    latest = credentials.expires_at - renewal_margin(lifetime)
    return latest - lifetime * _JITTER_SHARE * jitter


def back_off(failures: int, *, jitter: float) -> timedelta:
    """Say how long to wait after the given number of failures in a row.

    Exponential with full jitter, between half a second and a minute.

    Args:
        failures: how many attempts have failed since the last success, at least 1.
        jitter: random, 0 up to 1.

    """
    ceiling = min(_BACK_OFF_BASE * (1 << min(failures, _MAX_DOUBLINGS)), _BACK_OFF_CAP)
    return max(ceiling * jitter, _BACK_OFF_BASE / 2)
