"""What Secrets Manager refuses before it acts: bad names, foreign ARNs, secrets to be deleted."""

import re
from typing import Any, Final

from moto.secretsmanager.models import secretsmanager_backends

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.resources import Touch

MARKED_FOR_DELETION: Final = (
    "You can't perform this operation on the secret because it was marked for deletion."
)
# CreateSecret's reference lists ``/_+=.@-``; the names of secrets that AWS manages have ``!`` too.
_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_INVALID_NAME: Final = (
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the "
    "following: -/_+=.@!"
)
_NAME_TAKEN: Final = (
    "You can't create this secret because a secret with this name is already scheduled for "
    "deletion."
)
_OF_DELETED_SECRETS: Final = frozenset(
    {"DeleteSecret", "DescribeSecret", "ListSecretVersionIds", "RestoreSecret"}
)


def is_foreign(secret_id: str, *, account: str, region: str) -> bool:
    """Whether an identifier is an ARN of another account or region; moto looks at the name only."""
    return secret_id.startswith("arn:") and secret_id.split(":")[3:5] != [region, account]


def check_secret(touch: Touch) -> None:
    """Refuse a request to Secrets Manager that AWS refuses whatever it asks for.

    Does not check what BatchGetSecretValue lists: there each is an error of its own.

    Raises:
        AwsError: a name with other characters than AWS allows, an ARN of another account or
            region, or a secret that is marked for deletion.
    """
    if touch.address.service != "secretsmanager":
        return
    creating = touch.address.operation == "CreateSecret"
    secret_id = touch.text("Name" if creating else "SecretId")
    if not secret_id:
        return
    account, region = touch.principal.account, touch.address.region
    name = secret_id.split(":", 6)[-1] if secret_id.startswith("arn:") else secret_id
    if _NAME.fullmatch(name) is None:
        raise AwsError(400, "ValidationException", _INVALID_NAME)
    if is_foreign(secret_id, account=account, region=region):
        message = "Secrets Manager can't find the specified secret."
        raise AwsError(400, "ResourceNotFoundException", message)
    _check_deletion(touch, secretsmanager_backends[account][region].secrets.get(secret_id))


def _check_deletion(touch: Touch, secret: Any) -> None:
    if secret is None or not secret.is_deleted():
        return
    operation = touch.address.operation
    if operation == "CreateSecret":
        raise AwsError(400, "InvalidRequestException", _NAME_TAKEN)
    if operation not in _OF_DELETED_SECRETS:
        raise AwsError(400, "InvalidRequestException", MARKED_FOR_DELETION)
