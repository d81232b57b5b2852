"""Quotas on the rate of requests, each account and region on its own.

Source: IAM Roles Anywhere user guide, "Quotas". That a second's worth of requests may come at once,
and that refused requests count, is not documented; both are assumed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Final, Self

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.roles_anywhere.entities import Home

# Requests a second, combined over the operations of a group.
AWS_QUOTAS: Final[Mapping[str, float]] = {
    "create_session": 10,
    "trust_anchors": 1,
    "profiles": 1,
    "subjects": 1,
    "crls": 1,
    "tags": 1,
}
_VERBS: Final = ("Create", "Get", "Update", "Delete", "Enable", "Disable", "Import")


def _group_of_operations() -> dict[str, str]:
    groups = {
        f"{verb}{noun}": group
        for noun, group in (
            ("TrustAnchor", "trust_anchors"),
            ("Profile", "profiles"),
            ("Subject", "subjects"),
            ("Crl", "crls"),
        )
        for verb in _VERBS
    }
    lists = {
        "ListTrustAnchors": "trust_anchors",
        "ListProfiles": "profiles",
        "ListSubjects": "subjects",
        "ListCrls": "crls",
        "TagResource": "tags",
        "UntagResource": "tags",
        "ListTagsForResource": "tags",
        "CreateSession": "create_session",
    }
    return groups | lists


_GROUPS: Final[Mapping[str, str]] = _group_of_operations()


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """A rate of requests; what was not used is kept for one second, and for one request at least.

    `per_second` is the rate, `tokens` how many requests may come at `at`.
    """

    per_second: float
    tokens: float
    at: datetime

    @classmethod
    def full(cls, per_second: float, now: datetime) -> Self:
        """A bucket that nothing was taken from."""
        return cls(per_second, max(per_second, 1), now)

    def taken(self, now: datetime) -> Self | None:
        """The bucket after one more request; None when it is empty."""
        seconds = max((now - self.at).total_seconds(), 0)
        tokens = min(self.tokens + seconds * self.per_second, max(self.per_second, 1))
        return replace(self, tokens=tokens - 1, at=now) if tokens >= 1 else None


class Quotas:
    """Counts requests against the rates in force; safe to use from many threads."""

    def __init__(self, rates: Callable[[], Mapping[str, float]]) -> None:
        self._rates = rates
        self._buckets: dict[tuple[Home, str], TokenBucket] = {}
        self._lock = Lock()

    def take(self, home: Home, operation: str, now: datetime) -> None:
        """Count one request.

        Raises:
            AwsError: ThrottlingException, when the rate of its group is exceeded.
        """
        group = _GROUPS.get(operation, "")
        rate = self._rates().get(group)
        if rate is None:
            return
        with self._lock:
            bucket = self._buckets.get((home, group))
            if bucket is None or bucket.per_second != rate:
                bucket = TokenBucket.full(rate, now)
            after = bucket.taken(now)
            if after is None:
                raise AwsError(429, "ThrottlingException", "Rate exceeded")
            self._buckets[home, group] = after
