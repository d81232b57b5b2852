"""When a held value is served, renewed and waited for: pure decisions.

Moments are seconds of `Clock.elapsed`: setting the wall clock makes no value young. The age of a
value counts from when AWS was asked, not from when it answered (as RFC 9111, 4.2.3, has it).
"""

import math
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from sidecar.errors import SidecarError, UpstreamUnavailable
from sidecar.secret_cache.limits import Limits

# Renewals are spread over the last tenth of a lifetime: what began together must not stay together,
# and the calls to AWS must stay within a tenth of the fewest that are possible.
_RENEWED_FROM: Final = 0.9

_SHORTEST_PAUSE: Final = 0.25
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_MAX_DOUBLINGS: Final = 5
# What a server may ask for at most, lest one bad header switch renewing off.
_LONGEST_RETRY_AFTER: Final = 300.0

NEGATIVE_SECONDS: Final = 3.0
PATIENCE_SECONDS: Final = 0.5

_REFRESHES_AT_ONCE: Final = 5.0
_REFRESHES_A_SECOND: Final = 1.0


class Verdict(Enum):
    """What a read does."""

    SERVE = auto()  # the held value
    RENEW = auto()  # the held value, and asks AWS meanwhile
    WAIT_A_LITTLE = auto()  # for AWS, until `PATIENCE_SECONDS` after it was asked at most
    WAIT = auto()  # for AWS; the held value only when AWS cannot be asked
    COLD = auto()  # for AWS; the held value does not count


@dataclass(frozen=True, slots=True)
class Schedule:
    """The moments of one held value.

    Args:
        asked_at: when AWS was asked for it.
        renew_at: when it is asked for again.
        stale_at: when it stops being fresh.
        useless_at: when it no longer stands in for one that AWS does not give.
        retry_at: no call to AWS before this, after failures.
        failures: how many calls failed since.
        wait: whether the next read waits for AWS, whatever it finds.

    """

    asked_at: float
    renew_at: float
    stale_at: float
    useless_at: float
    retry_at: float = -math.inf
    failures: int = 0
    wait: bool = False

    @property
    def attend_at(self) -> float:
        """Until when a read has nothing to do but to serve."""
        return min(self.due_at, self.stale_at)

    @property
    def due_at(self) -> float:
        """When AWS is to be asked again while the value is in use."""
        return max(self.renew_at, self.retry_at)

    def fresh(self, now: float) -> bool:
        """Whether the value counts as fresh."""
        return now < self.stale_at

    def after(self, error: SidecarError, now: float, *, jitter: float) -> "Schedule":
        """Put off the next call after one that failed.

        Args:
            error: what went wrong.
            now: when.
            jitter: random, 0 up to 1.

        """
        failures = self.failures + 1
        return replace(self, failures=failures, retry_at=now + pause(failures, error, jitter))

    def invalidated(self, now: float, *, wait: bool = False) -> "Schedule":
        """Make the value old: AWS may hold another one by now.

        Args:
            now: when that became known.
            wait: the next read waits for AWS, which is asked even while it is failing; otherwise
                it is left alone after failures for as long as before.

        """
        stale_at = min(self.stale_at, now)
        # A value that may not be served once its time is over is over now.
        useless_at = stale_at if self.useless_at <= self.stale_at else self.useless_at
        old = replace(self.renewed(now), stale_at=stale_at, useless_at=useless_at)
        return replace(old, retry_at=-math.inf, failures=0, wait=True) if wait else old

    def renewed(self, now: float) -> "Schedule":
        """Have AWS asked again, unless it is left alone; the value stays as fresh as it is."""
        return replace(self, renew_at=min(self.renew_at, now))


def schedule(asked_at: float, limits: Limits, *, jitter: float) -> Schedule:
    """Plan for a value that AWS was asked for at a moment.

    Args:
        asked_at: that moment.
        limits: how long values are fresh and useful.
        jitter: random, 0 up to 1.

    """
    ttl = limits.ttl_seconds
    stale_at = asked_at + ttl
    return Schedule(
        asked_at=asked_at,
        renew_at=asked_at + ttl * (_RENEWED_FROM + (1 - _RENEWED_FROM) * jitter),
        stale_at=stale_at,
        useless_at=stale_at + (limits.max_stale_seconds if limits.serve_stale else 0),
    )


def decide(plan: Schedule, now: float, *, flying_since: float | None) -> Verdict:
    """Say what a read does.

    A renewal that began ahead and is late tells that AWS is slow: nobody waits for that. One that
    began only after the value's time was over may end at once, with a value that is much younger.

    Args:
        plan: the moments of the held value.
        now: this moment.
        flying_since: since when AWS is being asked; None if it is not.

    """
    may_ask = flying_since is None and now >= plan.retry_at
    if plan.fresh(now):
        return Verdict.RENEW if may_ask and now >= plan.renew_at else Verdict.SERVE
    if now >= plan.useless_at:
        return Verdict.COLD
    if plan.failures:
        return Verdict.RENEW if may_ask else Verdict.SERVE
    if plan.wait:
        return Verdict.WAIT
    late = flying_since is not None and flying_since < plan.stale_at
    return Verdict.SERVE if late else Verdict.WAIT_A_LITTLE


def pause(failures: int, error: SidecarError, jitter: float) -> float:
    """Give the seconds until AWS is asked again: doubling up to half a minute, with full jitter.

    What the server asked for (RFC 9110, 10.2.3) comes first, up to five minutes; the back-off comes
    on top, or all who were told the same would come back at once.

    Args:
        failures: how many calls have failed since the last success, at least 1.
        error: the last failure.
        jitter: random, 0 up to 1.

    """
    asked = error.retry_after_seconds if isinstance(error, UpstreamUnavailable) else 0
    longest = min(_FIRST_PAUSE * (1 << min(failures - 1, _MAX_DOUBLINGS)), _LONGEST_PAUSE)
    return min(asked, _LONGEST_RETRY_AFTER) + _back_off(longest, jitter)


def first_pause(jitter: float) -> float:
    """Give the seconds for which a failure stands for those that would follow it at once."""
    return _back_off(_FIRST_PAUSE, jitter)


def _back_off(longest: float, jitter: float) -> float:
    return _SHORTEST_PAUSE + (longest - _SHORTEST_PAUSE) * jitter


@dataclass(frozen=True, slots=True)
class Bucket:
    """How often callers may insist on asking AWS: five times at once, then once a second."""

    tokens: float = _REFRESHES_AT_ONCE
    at: float = 0.0

    def take(self, now: float) -> "Bucket | None":
        """Take a token; None when there is none."""
        earned = max(now - self.at, 0) * _REFRESHES_A_SECOND
        tokens = min(self.tokens + earned, _REFRESHES_AT_ONCE)
        return Bucket(tokens - 1, now) if tokens >= 1 else None
