"""Ten thousand sidecars and a quota of ten sessions a second: the real decisions, simulated time.

What `sidecar.providers.refresh_policy` decides in the daemon it decides here; only time is an event
queue, so that hours take seconds. AWS is a token bucket: ten requests a second, a second's worth at
once. That refused requests take no token is an assumption; AWS documents only the rate.
"""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import inf
from random import Random
from typing import Final, Protocol

from sidecar.credentials import Credentials
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.providers.refresh_policy import (
    OUTAGE,
    REFUSED,
    THROTTLED,
    Streak,
    back_off,
    renew_at,
)
from sidecar.redaction import Secret

QUOTA: Final = 10.0
LIFETIME: Final = timedelta(hours=1)
_START: Final = datetime(2026, 3, 1, tzinfo=UTC)
_LIFETIME_SECONDS: Final = LIFETIME.total_seconds()

_NO_ANSWER: Final = UpstreamUnavailable("no answer")
_THROTTLED: Final = UpstreamUnavailable("throttled", status=429, code="ThrottlingException")
_REFUSED: Final = UpstreamRefused("refused", status=403)
_NOTHING: Final = Secret("")


class Policy(Protocol):
    """When a client of CreateSession asks again; times in seconds, jitter from 0 up to 1."""

    def renewal(self, at: float, jitter: float) -> float:
        """Give the moment of renewal of a session that was received at `at`."""
        ...

    def pause(self, streak: Streak, jitter: float) -> float:
        """Give the pause after failures in a row."""
        ...


class Sidecar:
    """What the daemon does."""

    def renewal(self, at: float, jitter: float, *, lifetime: timedelta = LIFETIME) -> float:
        """Ask the refresh policy."""
        issued_at = _START + timedelta(seconds=at)
        session = Credentials(
            access_key_id="",
            secret_access_key=_NOTHING,
            session_token=_NOTHING,
            issued_at=issued_at,
            expires_at=issued_at + lifetime,
            role_arn="",
            account_id="",
        )
        return (renew_at(session, jitter=jitter) - _START).total_seconds()

    def pause(self, streak: Streak, jitter: float) -> float:
        """Ask the refresh policy."""
        return streak.pause(jitter=jitter).total_seconds()


class OnePace(Sidecar):
    """The same with one back-off for all: full jitter up to a minute whatever went wrong."""

    def pause(self, streak: Streak, jitter: float) -> float:
        """Take every failure for an outage."""
        return back_off(streak.failures, OUTAGE, jitter=jitter).total_seconds()


class LongerPauses(Sidecar):
    """The same with pauses of twice the length, at most, for those who are throttled."""

    _PACE: Final = replace(THROTTLED, cap=2 * THROTTLED.cap)

    def pause(self, streak: Streak, jitter: float) -> float:
        """Ask the refresh policy about another pace."""
        pace = self._PACE if streak.pace is THROTTLED else streak.pace
        return super().pause(replace(streak, pace=pace), jitter)


class Helper:
    """`aws_signing_helper update` under a supervisor that starts it again after five seconds.

    Its SDK asks three times, up to 2 and 4 seconds apart; then the program ends. It renews five
    minutes before the end.
    """

    def renewal(self, at: float, jitter: float) -> float:
        """Renew without jitter."""
        del jitter
        return at + _LIFETIME_SECONDS - 300

    def pause(self, streak: Streak, jitter: float) -> float:
        """Wait a little between the attempts of a run, and five seconds between runs."""
        attempt = streak.failures % 3
        return 5.0 if attempt == 0 or streak.pace is REFUSED else jitter * 2**attempt


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who asks first when, and what goes wrong; times in seconds.

    Args:
        first: the moment of each sidecar's first request.
        ends: when the session ends that each one has already; empty when none has one.
        outage: from when to when nothing answers.
        refused: how many sidecars, the last ones, are refused each time.
        quota: how many sessions a second there are.
        lasts: how long to look on.

    """

    first: tuple[float, ...]
    ends: tuple[float, ...] = ()
    outage: tuple[float, float] = (0, 0)
    refused: int = 0
    quota: float = QUOTA
    lasts: float = 7200


def restart(
    count: int,
    rng: Random,
    *,
    outage: tuple[float, float] = (0, 0),
    spread: float = 0,
    quota: float = QUOTA,
    lasts: float = 7200,
) -> Scenario:
    """Start all sidecars, without sessions, each at a random moment within so many seconds."""
    first = tuple(spread * rng.random() for _ in range(count))
    return Scenario(first, outage=outage, quota=quota, lasts=lasts)


def running(
    count: int,
    policy: Policy,
    rng: Random,
    *,
    outage: tuple[float, float] = (0, 0),
    refused: int = 0,
    quota: float = QUOTA,
) -> Scenario:
    """Take a fleet whose sessions are of every age, from new to due for renewal."""
    first, ends = [], []
    for _ in range(count):
        due = policy.renewal(0, rng.random())
        age = due * rng.random()
        first.append(due - age)
        ends.append(_LIFETIME_SECONDS - age)
    return Scenario(tuple(first), tuple(ends), outage, refused, quota)


@dataclass(slots=True)
class Course:
    """What happened.

    ``requests`` counts by the second. ``troubled`` holds who had no session to begin with or met
    the outage, ``healed_at`` when each of them got one; ``expired`` who had one and lost it.
    """

    requests: Counter[int] = field(default_factory=Counter)
    troubled: set[int] = field(default_factory=set)
    healed_at: dict[int, float] = field(default_factory=dict)
    expired: set[int] = field(default_factory=set)

    def rate(self, start: float, end: float) -> float:
        """Give the mean number of requests a second between two moments."""
        return sum(self.requests[second] for second in range(int(start), int(end))) / (end - start)

    def busiest(self, start: float, end: float, *, over: int = 10) -> float:
        """Give the highest mean rate of any stretch of `over` seconds between two moments."""
        return max(self.rate(at, at + over) for at in range(int(start), int(end) - over + 1))

    def healed(self, share: float) -> float:
        """Say when so large a share of the troubled had a session."""
        moments = sorted(self.healed_at.values())
        return moments[max(round(share * len(self.troubled)) - 1, 0)]


class _TokenBucket:
    """The service as far as asking too often goes."""

    def __init__(self, quota: float) -> None:
        self._quota, self._tokens, self._at = quota, quota, 0.0

    def admits(self, at: float) -> bool:
        self._tokens = min(self._tokens + (at - self._at) * self._quota, self._quota)
        self._at = at
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def play(scenario: Scenario, policy: Policy, rng: Random) -> Course:
    """Let a scenario take its course."""
    course, bucket = Course(), _TokenBucket(scenario.quota)
    fleet = len(scenario.first)
    ends: list[float] = list(scenario.ends) or [inf] * fleet
    streaks = [Streak()] * fleet
    course.troubled |= set() if scenario.ends else set(range(fleet))
    queue = [(at, n) for n, at in enumerate(scenario.first)]
    heapq.heapify(queue)
    while queue and queue[0][0] < scenario.lasts:
        at, n = queue[0]
        course.requests[int(at)] += 1
        if at > ends[n]:
            course.expired.add(n)
        error = _answer(scenario, bucket, at, n)
        if error is None:
            if n in course.troubled:
                course.healed_at.setdefault(n, at)
            ends[n], streaks[n] = at + _LIFETIME_SECONDS, Streak()
            due = policy.renewal(at, rng.random())
        else:
            if error is _NO_ANSWER:
                course.troubled.add(n)
            streaks[n] = streaks[n].after(error, left=_left(ends[n], at))
            due = at + policy.pause(streaks[n], rng.random())
        heapq.heapreplace(queue, (due, n))
    course.expired |= _over(ends, scenario.lasts)
    return course


def _answer(scenario: Scenario, bucket: _TokenBucket, at: float, n: int) -> SidecarError | None:
    start, end = scenario.outage
    if start <= at < end:
        return _NO_ANSWER
    if not bucket.admits(at):
        return _THROTTLED
    return _REFUSED if n >= len(scenario.first) - scenario.refused else None


def _left(end: float, at: float) -> timedelta:
    """Give what is left of a session, zero without one, as the daemon does."""
    return timedelta(seconds=end - at) if end < inf else timedelta(0)


def _over(ends: Iterable[float], now: float) -> set[int]:
    return {n for n, end in enumerate(ends) if end < now}
