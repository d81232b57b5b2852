"""Trust anchors, profiles, subjects and tags of Roles Anywhere, in memory."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final

# "profile durationSeconds … default 3600" (Roles Anywhere API reference, CreateProfile).
DEFAULT_DURATION_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Home:
    """The partition, region and account that a resource lives in."""

    partition: str
    region: str
    account: str

    def arn(self, kind: str, identifier: str) -> str:
        """The ARN of a Roles Anywhere resource."""
        return (
            f"arn:{self.partition}:rolesanywhere:{self.region}:{self.account}:{kind}/{identifier}"
        )


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """A trust anchor; `source` is as the API gave it, a PEM bundle inside."""

    identifier: str
    arn: str
    name: str
    source: Mapping[str, Any]
    enabled: bool
    notification_settings: tuple[Mapping[str, Any], ...]
    created_at: datetime
    updated_at: datetime

    @property
    def pem(self) -> bytes:
        """The certificates that are trusted."""
        text: str = self.source["sourceData"]["x509CertificateData"]
        return text.encode()


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: which roles, for how long, limited by what."""

    identifier: str
    arn: str
    name: str
    role_arns: tuple[str, ...]
    enabled: bool
    created_by: str
    created_at: datetime
    updated_at: datetime
    duration_seconds: int = DEFAULT_DURATION_SECONDS
    session_policy: str | None = None
    managed_policy_arns: tuple[str, ...] = ()
    accept_role_session_name: bool = False
    require_instance_properties: bool = False


Resource = TrustAnchor | Profile


class Store:
    """Everything that the control plane keeps, by ARN; safe to use from many threads."""

    def __init__(self) -> None:
        self._resources: dict[str, Resource] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._subjects: dict[tuple[Home, str], str] = {}
        self._lock = Lock()

    def put(self, resource: Resource) -> None:
        """Add or replace a trust anchor or a profile."""
        with self._lock:
            self._resources[resource.arn] = resource

    def remove(self, arn: str) -> None:
        """Forget a resource and its tags."""
        with self._lock:
            self._resources.pop(arn, None)
            self._tags.pop(arn, None)

    def find(self, arn: str) -> Resource | None:
        """The resource with this ARN."""
        with self._lock:
            return self._resources.get(arn)

    def all_of(self, kind: type[Resource], home: Home) -> list[Resource]:
        """Every resource of one kind in one region of one account, oldest first."""
        prefix = home.arn("", "").rstrip("/")
        with self._lock:
            found = [each for each in self._resources.values() if each.arn.startswith(prefix)]
        return [each for each in found if isinstance(each, kind)]

    def tags(self, arn: str) -> dict[str, str]:
        """A copy of a resource's tags."""
        with self._lock:
            return dict(self._tags.get(arn, {}))

    def change_tags(self, arn: str, *, add: Mapping[str, str], drop: tuple[str, ...] = ()) -> None:
        """Set some tags and remove others."""
        with self._lock:
            kept = {**self._tags.get(arn, {}), **add}
            self._tags[arn] = {key: value for key, value in kept.items() if key not in drop}

    def subject_arn(self, home: Home, subject: str) -> str:
        """The ARN of a certificate subject, made when it is first seen."""
        with self._lock:
            return self._subjects.setdefault(
                (home, subject), home.arn("subject", str(uuid.uuid4()))
            )
