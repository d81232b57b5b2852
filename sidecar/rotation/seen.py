"""What is seen of a secret and of its user at one moment; decisions are made of nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sidecar.access_key_secret import AccessKeySecret

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"
PREVIOUS: Final = "AWSPREVIOUS"


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """What DescribeSecret says.

    Args:
        arn: the secret's ARN.
        rotation_enabled: whether Secrets Manager rotates it by itself.
        labels: the staging labels of each labelled version.
        last_rotated: when Secrets Manager last finished a rotation of its own.
        tags: the secret's tags.
        deleted: whether its deletion is pending.

    """

    arn: str
    rotation_enabled: bool
    labels: Mapping[str, tuple[str, ...]]
    last_rotated: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False

    def version_with(self, label: str) -> str | None:
        """Give the version that carries a label."""
        return next((each for each, labels in self.labels.items() if label in labels), None)

    @property
    def under_way(self) -> str | None:
        """The version of a rotation that is not complete: pending, neither current nor previous.

        One that was current has been through its rotation, whatever label it kept.
        """
        pending = self.version_with(PENDING)
        been_through = (self.version_with(CURRENT), self.version_with(PREVIOUS))
        return None if pending in been_through else pending


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A version of the secret that has a value."""

    version_id: str
    content: AccessKeySecret
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UserKey:
    """One access key of the user, as ListAccessKeys shows it."""

    access_key_id: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LastUse:
    """When a key was last used and at which service; it lags by hours (IAM user guide)."""

    at: datetime | None
    service: str = "N/A"


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything at one moment.

    Args:
        facts: the secret's description.
        current: the version that applications read.
        previous: the version that they read before, if it has a value.
        pending: the version of this rotation, if it has a value.
        keys: the user's keys.
        unknown_use: when each key that no version names was last used.
        previous_use: when the previous key was last used.

    """

    facts: SecretFacts
    current: StoredKey
    previous: StoredKey | None
    pending: StoredKey | None
    keys: tuple[UserKey, ...]
    unknown_use: Mapping[str, LastUse] = field(default_factory=dict)
    previous_use: LastUse | None = None

    def key(self, access_key_id: str | None) -> UserKey | None:
        """Give the user's key of this id, if there is one."""
        return next((each for each in self.keys if each.access_key_id == access_key_id), None)

    @property
    def current_key(self) -> UserKey | None:
        """The key that applications use."""
        return self.key(self.current.content.access_key_id)

    @property
    def previous_key(self) -> UserKey | None:
        """The key that applications used before, if it is another and still there."""
        found = self.key(self.previous.content.access_key_id) if self.previous else None
        return None if found == self.current_key else found

    @property
    def pending_key(self) -> UserKey | None:
        """The key that this rotation has stored, if IAM shows it."""
        return self.key(self.pending.content.access_key_id) if self.pending else None

    @property
    def unknown_keys(self) -> tuple[UserKey, ...]:
        """The keys that no version of the secret names."""
        return unknown_among(self.keys, (self.current, self.previous, self.pending))


def unknown_among(
    keys: tuple[UserKey, ...], versions: tuple[StoredKey | None, ...]
) -> tuple[UserKey, ...]:
    """Give the keys that none of these versions names."""
    known = {each.content.access_key_id for each in versions if each is not None}
    return tuple(each for each in keys if each.access_key_id not in known)
