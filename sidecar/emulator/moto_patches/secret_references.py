"""A secret read through Parameter Store: ``/aws/reference/secretsmanager/<id>``.

Rules: Systems Manager user guide, "Referencing AWS Secrets Manager secrets from Parameter Store
parameters". What the guide leaves open (the members of SourceResult, the sentences of errors, a
binary secret without a Value) is as others have measured it at AWS.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from moto.secretsmanager.exceptions import InvalidRequestException, SecretsManagerClientError
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.exceptions import ParameterNotFound, ValidationException

from sidecar.emulator.authorization import present_caller
from sidecar.emulator.refusals import NotLetIn
from sidecar.emulator.resources import secret_arn

_PREFIX: Final = "/aws/reference/secretsmanager/"
_VERSION_ID: Final = re.compile(r"[0-9A-Za-z-]{32,64}")
_BAD_SELECTOR: Final = (
    "Invalid parameter name. Please use correct syntax for referencing a version/label  "
    "<name>:<version/label>"
)
_NOT_DECRYPTED: Final = "WithDecryption flag must be True for retrieving a Secret Manager secret."
_DEPENDENCY: Final = "An error occurred while calling one AWS dependency service."


class NotReferred(ValidationException):  # type: ignore[misc]  # moto gives no types to subclass
    """Secrets Manager refuses the caller: the whole request fails, whatever else it asks for."""


def is_reference(name: str) -> bool:
    """Whether a parameter's name stands for a secret."""
    return name.startswith(_PREFIX)


def read_reference(backend: Any, name: str, *, decrypt: bool) -> dict[str, Any]:
    """The secret in the form of a parameter.

    Raises:
        ValidationException: a malformed selector, no decryption asked for, a deleted secret.
        NotReferred: the caller may not read the secret.
        ParameterNotFound: no such secret, version or label.
    """
    path, colon, selector = name.partition(":")
    if ":" in selector or (colon and not selector):
        raise ValidationException(_BAD_SELECTOR)
    if not decrypt:
        raise ValidationException(_NOT_DECRYPTED)
    value = _value(backend, path, selector)
    shown = {
        "Name": path,
        "Type": "SecureString",
        "Version": 0,
        "SourceResult": _source_result(value),
        "LastModifiedDate": datetime.fromtimestamp(value["CreatedDate"], UTC),
        "ARN": value["ARN"],
    }
    optional = {"Value": value.get("SecretString"), "Selector": colon + selector or None}
    return shown | {name: text for name, text in optional.items() if text is not None}


def _value(backend: Any, path: str, selector: str) -> dict[str, Any]:
    secret_id = path.removeprefix(_PREFIX)
    is_version = _VERSION_ID.fullmatch(selector) is not None
    wanted = (selector, None) if is_version else (None, selector or None)
    secrets = secretsmanager_backends[backend.account_id][backend.region_name]
    try:
        if caller := present_caller():
            caller.demand("secretsmanager:GetSecretValue", secret_arn(secret_id, caller.touch))
        value: dict[str, Any] = secrets.get_secret_value(secret_id, *wanted)
    except NotLetIn:
        raise NotReferred(_DEPENDENCY) from None
    except InvalidRequestException:
        raise ValidationException("Invalid Request to Secrets Manager") from None
    except SecretsManagerClientError:
        missing = f"{path.removeprefix('/')}{':' + selector if selector else 'null'}"
        raise ParameterNotFound(
            "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret "
            f"{missing} not found."
        ) from None
    return value


def _source_result(value: dict[str, Any]) -> str:
    created = datetime.fromtimestamp(value["CreatedDate"], UTC)
    members = {
        "ARN": value["ARN"],
        "name": value["Name"],
        "versionId": value["VersionId"],
        **({"secretString": value["SecretString"]} if "SecretString" in value else {}),
        "versionStages": value["VersionStages"],
        "createdDate": _as_java_writes(created),
    }
    return json.dumps(members, separators=(",", ":"))


def _as_java_writes(moment: datetime) -> str:
    """Such as ``Jan 2, 2026, 3:04:05 PM``."""
    return f"{moment:%b} {moment.day}, {moment:%Y}, {moment.hour % 12 or 12}:{moment:%M:%S %p}"
