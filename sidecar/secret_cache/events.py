"""Reading from a queue's message which secret or parameter has changed: a pure function.

An event is a hint: it says what to read again, never what the new value is. CloudTrail delivers
them at best effort, so the time-to-live stays the guarantee; and whoever can write to the queue can
make the sidecar ask AWS, and nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# What changes a value, a staging label or who may read it. A failed rotation may have moved the
# label before it failed.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
SECRET_EVENTS: Final = frozenset(
    {
        "CancelRotateSecret",
        "CreateSecret",
        "DeleteResourcePolicy",
        "DeleteSecret",
        "EndSecretVersionDelete",
        "PutResourcePolicy",
        "PutSecretValue",
        "ReplicationSucceeded",
        "RestoreSecret",
        "RotationAbandoned",
        "RotationFailed",
        "RotationSucceeded",
        "UpdateSecret",
        "UpdateSecretVersionStage",
    }
)
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-cwe.html
_PARAMETER_CHANGE: Final = "Parameter Store Change"
# The longest SecretId of Secrets Manager and Name of Parameter Store.
_LONGEST_ID: Final = 2048


@dataclass(frozen=True, slots=True)
class Change:
    """What one message says: a secret or a parameter to read again, or neither.

    Args:
        secret_id: name or ARN of a secret.
        parameter: name or ARN of a parameter.
        event_id: CloudTrail's id, the same for every delivery of the event; None without one.

    """

    secret_id: str | None = None
    parameter: str | None = None
    event_id: str | None = None


NOTHING: Final = Change()


def read_event(body: str) -> Change:
    """Read a message: EventBridge's event, raw or in SNS's envelope, or the sidecar's own form.

    That form is ``{"secretId": "<name or ARN>"}`` or ``{"name": "<parameter>"}``. Does NOT check
    where a message comes from, which is the queue's policy's part. Whatever else a body may be, it
    says `NOTHING`; there is no body for which this raises.
    """
    message = _object(body)
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        message = _object(message["Message"])
    detail = _mapping(message.get("detail"))
    match message.get("source"):
        case "aws.secretsmanager":
            return _secret_change(detail)
        case "aws.ssm" if message.get("detail-type") == _PARAMETER_CHANGE:
            return Change(parameter=_id(detail.get("name")))
        case None:
            return Change(_id(message.get("secretId")), _id(message.get("name")))
        case _:
            return NOTHING


def _secret_change(detail: Mapping[str, Any]) -> Change:
    name = detail.get("eventName")
    # A call that failed has changed nothing; a rotation that failed is no call.
    failed = detail.get("errorCode") and detail.get("eventType") != "AwsServiceEvent"
    if not isinstance(name, str) or name not in SECRET_EVENTS or failed:
        return NOTHING
    response = _mapping(detail.get("responseElements"))
    request = _mapping(detail.get("requestParameters"))
    more = _mapping(detail.get("additionalEventData"))
    # "aRN" until February 2024, and from some operations still. A secret that is made anew has a
    # new ARN: what is held of the old one is found by its name.
    found = (
        request.get("name") if name == "CreateSecret" else None,
        response.get("arn"),
        response.get("aRN"),
        more.get("SecretId"),
        request.get("secretId"),
    )
    secret_id = next((each for each in map(_id, found) if each), None)
    return Change(secret_id=secret_id, event_id=_id(detail.get("eventID")))


def _object(text: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):  # no JSON, a number too long, brackets without end
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_ID else None
