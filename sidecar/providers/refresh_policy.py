"""When to renew credentials and how long to wait after a failure: pure decisions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sidecar.credentials import Credentials
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.signing.throttling import THROTTLING, TOO_MANY_REQUESTS

# botocore asks again on every call under 15 minutes left, .NET likewise; keeping 20 leaves room.
_KEEP_LEFT: Final = timedelta(minutes=20)
# Or a 15-minute session would be renewed without end, its whole life being under those 20 minutes.
_LARGEST_MARGIN_SHARE: Final = 0.7
_JITTER_SHARE: Final = 0.1

_MAX_DOUBLINGS: Final = 20
# However little of a session is left, pauses of the refused may grow up to 80 s: its last minutes
# are no reason to ask all the time.
_ALWAYS_COUNTED: Final = 4
# Throttling hides a refusal: who is refused after it goes on with pauses of its size, five minutes.
_MOST_FROM_THROTTLING: Final = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How pauses grow: the longest one doubles with every failure up to a cap.

    A pause is random between ``least`` of the longest and the whole of it.
    """

    first: timedelta
    cap: timedelta
    least: float = 0


# Nobody's quota suffers from asking a network that is gone, and users wait for its return.
OUTAGE: Final = Pace(timedelta(seconds=2), timedelta(minutes=1))
# At 10 sessions a second, 10,000 sidecars need 17 minutes: pauses must grow towards that order, or
# nearly all requests are refused. Longer ones would leave too few attempts before a session ends,
# and make the last of a fleet wait for a quota that is free again. docs/renewal.md has the figures.
THROTTLED: Final = Pace(timedelta(seconds=10), timedelta(minutes=5))
# Somebody must change something first; those who are refused must not take the quota from the rest.
# No pause is much longer than the refusals have lasted, so that healing takes as long as mending.
REFUSED: Final = Pace(timedelta(seconds=10), timedelta(minutes=30), least=0.5)
# How long to believe in a session although AWS refused it: the first time may be chance; when the
# sessions that replace it are refused as well, something else is wrong.
DOUBTED: Final = Pace(timedelta(seconds=30), timedelta(minutes=30), least=1)

_SHORTEST_PAUSE: Final = timedelta(seconds=0.5)
# What a server may ask for at most, lest one bad header switch renewing off.
_LONGEST_RETRY_AFTER: Final = timedelta(minutes=5)


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


@dataclass(frozen=True, slots=True)
class Streak:
    """The failures in a row since the last success; the next attempt's pause follows from them.

    ``retry_after`` is what the server asked for with the last one. ``refusals`` are those at the
    pace of the refused, as far as they count: an outage says nothing of how long a person needs.
    """

    failures: int = 0
    pace: Pace = OUTAGE
    retry_after: timedelta = timedelta(0)
    refusals: int = 0
    throttled: int = 0

    def after(self, error: SidecarError, *, left: timedelta = timedelta(0)) -> "Streak":
        """Add a failure.

        Who was refused and is throttled then has not heard anything new: a quicker pace would let
        many who are refused keep the quota from those who are not.

        Args:
            error: what went wrong.
            left: what is left of the session in use, zero without one. Pauses of the refused stay
                under half of it, or a mistake mended in time would still cost the session; not so
                once the quota has been short, lest they cost sessions of others.

        """
        pace = pace_after(error)
        throttled = self.throttled + (pace is THROTTLED)
        if self.pace is REFUSED and pace is THROTTLED:
            pace = REFUSED
        refusals = self.refusals
        if pace is REFUSED:
            counted = _MAX_DOUBLINGS if throttled else _counted(left)
            before = refusals or min(throttled, _MOST_FROM_THROTTLING)
            refusals = min(before + 1, counted)
        asked = error.retry_after_seconds if isinstance(error, UpstreamUnavailable) else 0
        retry_after = min(timedelta(seconds=asked), _LONGEST_RETRY_AFTER)
        return Streak(self.failures + 1, pace, retry_after, refusals, throttled)

    def with_something_new(self) -> "Streak":
        """Forget the refusals: what will be asked with next has not been refused yet."""
        return Streak(self.failures, throttled=self.throttled)

    def pause(self, *, jitter: float) -> timedelta:
        """Say how long to wait after the last failure.

        What the server asked for (RFC 9110, 10.2.3) is the least, up to five minutes; the back-off
        comes on top, or all who were told the same would come back at once.

        Args:
            jitter: random, 0 up to 1.

        """
        count = self.refusals if self.pace is REFUSED else self.failures
        return self.retry_after + back_off(count, self.pace, jitter=jitter)


def _counted(left: timedelta) -> int:
    """How many refusals count: as many as have a longest pause of half the session's rest."""
    if left <= timedelta(0):
        return _MAX_DOUBLINGS
    return max((left / 2 // REFUSED.first).bit_length(), _ALWAYS_COUNTED)


def pace_after(error: SidecarError) -> Pace:
    """Choose the pace by who must act: the network, AWS's quota, or a person."""
    if isinstance(error, UpstreamRefused):
        return REFUSED
    if not isinstance(error, UpstreamUnavailable):
        return OUTAGE
    many = error.status == TOO_MANY_REQUESTS or error.code in THROTTLING
    return THROTTLED if many else OUTAGE


def back_off(failures: int, pace: Pace = OUTAGE, *, jitter: float) -> timedelta:
    """Give the pause of a pace after so many failures: exponential, with full jitter.

    Args:
        failures: how many attempts have failed since the last success, at least 1.
        pace: how fast pauses grow and up to where.
        jitter: random, 0 up to 1.

    """
    longest = min(pace.first * (1 << min(failures - 1, _MAX_DOUBLINGS)), pace.cap)
    shortest = max(longest * pace.least, _SHORTEST_PAUSE)
    return shortest + (longest - shortest) * jitter
