"""GetSecretValue finds versions by their labels, and says of each miss what is missing.

moto follows a pointer of its own where no stage is named, and an unknown stage, a version without
a value and a secret marked for deletion get other sentences or another error than at AWS.
"""

from contextlib import AbstractContextManager
from typing import Any

from moto.secretsmanager.exceptions import (
    InvalidRequestException,
    ResourceNotFoundException,
    SecretNotFoundException,
    SecretStageVersionMismatchException,
)
from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.emulator.moto_patches.replacing import replaced
from sidecar.emulator.secret_checks import MARKED_FOR_DELETION, is_foreign


def applied() -> AbstractContextManager[None]:
    """Read by label."""
    return replaced(SecretsManagerBackend, "get_secret_value", _get)


def _get(
    backend: Any, secret_id: str, version_id: str | None, version_stage: str | None
) -> dict[str, Any]:
    if is_foreign(secret_id, account=backend.account_id, region=backend.region_name):
        raise SecretNotFoundException
    secret = backend.describe_secret(secret_id)
    if secret.is_deleted():
        raise InvalidRequestException(MARKED_FOR_DELETION)
    version = _version(secret.versions, version_id, version_stage)
    values = {
        "SecretString": version.get("secret_string"),
        "SecretBinary": version.get("secret_binary"),
    }
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version["version_id"],
        **{name: value for name, value in values.items() if value is not None},
        "VersionStages": list(version["version_stages"]),
        "CreatedDate": version["createdate"],
    }


def _version(
    versions: dict[str, dict[str, Any]], version_id: str | None, stage: str | None
) -> dict[str, Any]:
    if version_id:
        version = versions.get(version_id, {})
        if stage and version and stage not in version["version_stages"]:
            raise SecretStageVersionMismatchException
        missing = f"VersionId: {version_id}"
    else:
        stage = stage or "AWSCURRENT"
        labelled = (each for each in versions.values() if stage in each["version_stages"])
        version = next(labelled, {})
        missing = f"staging label: {stage}"
    # A rotation makes a version before it has a value.
    if version.get("secret_string") is None and version.get("secret_binary") is None:
        raise ResourceNotFoundException(
            f"Secrets Manager can't find the specified secret value for {missing}"
        )
    return version
