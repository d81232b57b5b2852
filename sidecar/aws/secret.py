"""A secret as Secrets Manager knows it: the questions for it and the answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sidecar.redaction import Secret


@dataclass(frozen=True, slots=True)
class SecretQuery:
    """Which version of which secret; without version id or stage it is ``AWSCURRENT``."""

    secret_id: str
    version_id: str | None = None
    version_stage: str | None = None


@dataclass(frozen=True, slots=True)
class SecretValue:
    """What GetSecretValue answers; ``binary`` is base64 text."""

    arn: str
    name: str
    version_id: str
    text: Secret | None
    binary: Secret | None
    version_stages: tuple[str, ...]
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class SecretFilter:
    """Which secrets to list; what is left empty matches every secret.

    Args:
        name_prefix: how names begin.
        tag_key: key of a tag that a secret carries.
        tag_value: the value that this very tag has; None for any.

    """

    name_prefix: str = ""
    tag_key: str = ""
    tag_value: str | None = None


@dataclass(frozen=True, slots=True)
class ListedSecret:
    """One line of ListSecrets."""

    arn: str
    name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SecretDescription:
    """What DescribeSecret answers, as far as it says when a value may change.

    All moments are aware. `next_rotation` is the latest moment of the next rotation, which lies in
    the past when rotations fail; `deleted` is set while a deletion is pending.
    """

    arn: str
    name: str
    rotation_enabled: bool
    next_rotation: datetime | None
    last_rotated: datetime | None
    deleted: datetime | None
    version_ids_to_stages: Mapping[str, tuple[str, ...]]
