"""The versions of a secret as a rotation sees them: which is current, pending, or still empty."""

from datetime import datetime
from typing import Any, Final

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"


def holder(secret: Any, label: str) -> str | None:
    """The id of the version that has a label."""
    versions = list(secret.versions.items())
    return next((key for key, each in versions if label in each["version_stages"]), None)


def unfinished(secret: Any) -> str | None:
    """The version of a rotation that is not complete: pending, and not current."""
    pending = holder(secret, PENDING)
    return pending if pending != holder(secret, CURRENT) else None


def place_empty(secret: Any, version_id: str, now: datetime) -> None:
    """Make the version that a rotation is to fill, as Secrets Manager does before the first step.

    User guide, "Rotation by Lambda function": it is labelled AWSPENDING and has no value.
    """
    drop_label(secret, PENDING)
    secret.versions[version_id] = {
        "createdate": round(now.timestamp(), 3),
        "version_id": version_id,
        "version_stages": [PENDING],
    }


def drop_label(secret: Any, label: str) -> None:
    """Take a label off whatever version has it."""
    for version in list(secret.versions.values()):
        if label in version["version_stages"]:
            version["version_stages"].remove(label)
