"""Builders of what is seen at one moment."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sidecar.access_key_secret import AccessKeySecret
from sidecar.redaction import Secret
from sidecar.rotation.attempt import ATTEMPT_TAG, Attempt
from sidecar.rotation.goal import Goal, Target
from sidecar.rotation.seen import LastUse, SecretFacts, Seen, StoredKey, UserKey

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARN: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:batch-AbCdEf"
USER: Final = "batch"
TOKEN: Final = "t" * 36
CURRENT, PREVIOUS, PENDING, OTHER = (f"AKIAMADEUP{n:010d}" for n in range(4))
GOAL: Final = Goal(Target(ARN, USER), TOKEN)
BEGAN: Final = NOW - timedelta(minutes=1)
NOTED: Final = {ATTEMPT_TAG: str(Attempt(BEGAN))}


def stored(
    version_id: str, key: str | None, created_at: datetime = BEGAN, user: str = USER
) -> StoredKey:
    """Give a version that names a key."""
    secret = None if key is None else Secret("made/up/secret/0000000000000000000000000")
    return StoredKey(version_id, AccessKeySecret(user, key, secret), created_at)


def key(access_key_id: str, *, active: bool = True, created_at: datetime = BEGAN) -> UserKey:
    """Give a key of the user."""
    return UserKey(access_key_id, active, created_at)


def seen(
    *keys: UserKey,
    labels: Mapping[str, tuple[str, ...]] | None = None,
    tags: Mapping[str, str] | None = None,
    last_rotated: datetime | None = None,
    **more: Any,
) -> Seen:
    """Give a view of a rotation that has been announced; the current key is a month old."""
    announced = {"w" * 36: ("AWSCURRENT",), TOKEN: ("AWSPENDING",)}
    noted = NOTED if tags is None else tags
    facts = SecretFacts(ARN, True, labels or announced, last_rotated, noted)
    month_ago = NOW - timedelta(days=30)
    usual: dict[str, Any] = {
        "current": stored("w" * 36, CURRENT, month_ago),
        "previous": None,
        "pending": None,
    }
    return Seen(facts, keys=keys, **(usual | more))


def used(service: str, **ago: float) -> LastUse:
    """Give a last use so long ago."""
    return LastUse(NOW - timedelta(**ago), service)
