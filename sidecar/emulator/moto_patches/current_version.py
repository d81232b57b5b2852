"""UpdateSecretVersionStage moves a label as AWS does, and AWSCURRENT decides what is the default.

moto keeps a pointer of its own to the default version and forgets it here: GetSecretValue and
BatchGetSecretValue without a stage then give the old version, and the next PutSecretValue puts
AWSPREVIOUS on the wrong one. It also attaches a label that another version has, without asking
where it is, attaches one twice, and has taken a label away before it refuses where to put it.
"""

from contextlib import AbstractContextManager
from typing import Any

from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    OperationNotPermittedOnReplica,
)
from moto.secretsmanager.models import ReplicaSecret, SecretsManagerBackend

from sidecar.emulator.moto_patches.replacing import replaced


def applied() -> AbstractContextManager[None]:
    """Move labels anew."""
    return replaced(SecretsManagerBackend, "update_secret_version_stage", _update)


def _update(
    backend: Any,
    secret_id: str,
    version_stage: str,
    remove_from_version_id: str | None,
    move_to_version_id: str | None,
) -> tuple[str, str]:
    secret = backend.describe_secret(secret_id)
    if isinstance(secret, ReplicaSecret):
        raise OperationNotPermittedOnReplica
    for version_id in (remove_from_version_id, move_to_version_id):
        if version_id and version_id not in secret.versions:
            raise InvalidParameterException(f"Not a valid version: {version_id}")
    _check(secret, version_stage, remove_from_version_id, move_to_version_id)
    _take_away(secret, version_stage)
    if version_stage == "AWSCURRENT" and remove_from_version_id != move_to_version_id:
        _take_away(secret, "AWSPREVIOUS")
        if remove_from_version_id:
            secret.versions[remove_from_version_id]["version_stages"].append("AWSPREVIOUS")
    if move_to_version_id:
        secret.versions[move_to_version_id]["version_stages"].append(version_stage)
    if version_stage == "AWSCURRENT":
        secret.set_default_version_id(move_to_version_id)
    return secret.arn, secret.name


def _check(secret: Any, label: str, remove_from: str | None, move_to: str | None) -> None:
    """API reference: a label that is attached must be named where it is, or the call fails."""
    versions = secret.versions.items()
    holder = next((key for key, each in versions if label in each["version_stages"]), None)
    if remove_from and remove_from != holder:
        raise InvalidParameterException(
            f"Staging label {label} is not attached to version {remove_from}."
        )
    if holder and not remove_from and holder != move_to:
        raise InvalidParameterException(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently "
            f"attached to version {holder}, so you must explicitly reference that version in "
            "RemoveFromVersionId."
        )
    if label == "AWSCURRENT" and not move_to:
        raise InvalidParameterException(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be "
            "completely removed."
        )


def _take_away(secret: Any, label: str) -> None:
    for version in secret.versions.values():
        version["version_stages"] = [each for each in version["version_stages"] if each != label]
