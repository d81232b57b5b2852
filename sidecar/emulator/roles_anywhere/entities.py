"""What IAM Roles Anywhere keeps: trust anchors, profiles, revocation lists and subjects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sidecar.emulator.roles_anywhere.attribute_mapping import DEFAULT_MAPPINGS, Mappings

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
    """A profile: which roles, for how long, limited by what, with which session tags."""

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
    attribute_mappings: Mappings = field(default_factory=lambda: DEFAULT_MAPPINGS)


@dataclass(frozen=True, slots=True)
class Crl:
    """A certificate revocation list in PEM, imported for one trust anchor."""

    identifier: str
    arn: str
    name: str
    data: bytes
    enabled: bool
    trust_anchor_arn: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SeenCredential:
    """A certificate of a subject; `failed` says how its latest CreateSession ended."""

    serial_number: str
    issuer: str
    pem: str
    seen_at: datetime
    failed: bool


@dataclass(frozen=True, slots=True)
class SeenProperties:
    """Instance properties that came with a CreateSession of a subject."""

    properties: Mapping[str, str]
    seen_at: datetime
    failed: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """Who certificates were issued to, and what CreateSession saw of it."""

    identifier: str
    arn: str
    x509_subject: str
    created_at: datetime
    updated_at: datetime
    enabled: bool = True
    credentials: tuple[SeenCredential, ...] = ()
    instance_properties: tuple[SeenProperties, ...] = ()


Resource = TrustAnchor | Profile | Crl | Subject
