"""RotateSecret needs a function, and with RotateImmediately=false it only sets a schedule.

moto makes an empty version current where there is no function, and leaves one pending where only
the schedule is set. NextRotationDate is known for AutomaticallyAfterDays alone.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager.exceptions import InvalidRequestException, OperationNotPermittedOnReplica
from moto.secretsmanager.models import ReplicaSecret, SecretsManagerBackend

from sidecar.clock import SystemClock
from sidecar.emulator.moto_patches.replacing import replaced

_ORIGINAL: Final = SecretsManagerBackend.rotate_secret
_DAY_SECONDS: Final = 86_400


def applied() -> AbstractContextManager[None]:
    """Set schedules without touching versions."""
    return replaced(SecretsManagerBackend, "rotate_secret", _rotate)


def _rotate(
    backend: Any,
    secret_id: str,
    client_request_token: str | None = None,
    rotation_lambda_arn: str | None = None,
    rotation_rules: dict[str, Any] | None = None,
    rotate_immediately: bool = True,
) -> str:
    secret = backend.describe_secret(secret_id)
    if isinstance(secret, ReplicaSecret):
        raise OperationNotPermittedOnReplica
    function, rules = rotation_lambda_arn or secret.rotation_lambda_arn, rotation_rules or {}
    if not function:
        raise InvalidRequestException(
            "No Lambda rotation function ARN is associated with this secret."
        )
    if rotate_immediately:
        return str(_ORIGINAL(backend, secret_id, client_request_token, function, rotation_rules))
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = function
    if days := rules.get("AutomaticallyAfterDays"):
        secret.auto_rotate_after_days = days
        secret.next_rotation_date = int(SystemClock().now().timestamp()) + days * _DAY_SECONDS
    return str(secret.to_short_dict(include_version_id=False))
