"""A secret as Secrets Manager knows it: the question for it and the answer."""

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
