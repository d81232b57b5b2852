"""What CloudTrail has of a call to AWS's API, and nothing of any value in it.

Source: CloudTrail user guide, "CloudTrail record contents"; Secrets Manager user guide, "Log AWS
Secrets Manager events with AWS CloudTrail"; IAM user guide, "Logging IAM and AWS STS API calls with
AWS CloudTrail".
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sidecar.clock import iso_seconds
from sidecar.emulator.authorization import Caller

# Only what is listed is told: a value, a SecretBinary or a RotationToken never is.
_TOLD: Final = (
    "Name",
    "SecretId",
    "ClientRequestToken",
    "VersionStages",
    "VersionStage",
    "MoveToVersionId",
    "RemoveFromVersionId",
    "RotationLambdaARN",
    "RotationRules",
    "RotateImmediately",
    "RecoveryWindowInDays",
    "ForceDeleteWithoutRecovery",
    "KmsKeyId",
    "UserName",
    "AccessKeyId",
    "Status",
)
_ANSWERED: Final = {"ARN": "arn", "Name": "name", "VersionId": "versionId"}
_OPERATIONS: Final = {
    "secretsmanager": frozenset(
        {
            "CancelRotateSecret",
            "CreateSecret",
            "DeleteSecret",
            "PutSecretValue",
            "RestoreSecret",
            "RotateSecret",
            "UpdateSecret",
            "UpdateSecretVersionStage",
        }
    ),
    "iam": frozenset({"CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey"}),
}
_KEY_MEMBER: Final = re.compile(r"<(AccessKeyId|Status|UserName)>([^<]*)</")
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: the body of its answer, or the error it was refused with."""

    body: bytes = b""
    error_code: str = ""
    error_message: str = ""


def is_told(service: str, operation: str) -> bool:
    """Whether an event is made of calls to this operation."""
    return operation in _OPERATIONS.get(service, ())


def detail_of(caller: Caller, outcome: Outcome, *, region: str, user_agent: str) -> dict[str, Any]:
    """The ``detail`` of the event of a call, as EventBridge hands it on.

    Args:
        caller: whose call.
        outcome: how it ended.
        region: where CloudTrail records it.
        user_agent: what the client calls itself.
    """
    address, account = caller.touch.address, caller.principal.account
    return {
        "eventVersion": "1.08",
        "userIdentity": _identity(caller),
        "eventTime": iso_seconds(caller.now),
        "eventSource": f"{address.service}.amazonaws.com",
        "eventName": address.operation,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": user_agent,
        **_error(outcome),
        "requestParameters": _asked(caller.touch.parameters),
        "responseElements": None if outcome.error_code else _answered(caller, outcome.body),
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }


def _identity(caller: Caller) -> dict[str, Any]:
    principal = caller.principal
    known = {
        "type": "AssumedRole" if principal.session else "IAMUser",
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
    }
    if principal.session is None:
        return {**known, "userName": principal.name}
    role = {"type": "Role", "arn": str(principal.session.grant.role_arn)}
    issuer = {**role, "accountId": principal.account, "userName": principal.name}
    return {**known, "sessionContext": {"sessionIssuer": issuer}}


def _error(outcome: Outcome) -> dict[str, str]:
    """The error's code; its sentence only where it quotes nothing of what was sent."""
    if not outcome.error_code:
        return {}
    if outcome.error_code in _DENIED:
        return {"errorCode": "AccessDenied", "errorMessage": outcome.error_message}
    return {"errorCode": outcome.error_code}


def _asked(parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    told = {_lower(name): parameters[name] for name in _TOLD if name in parameters}
    return told or None


def _answered(caller: Caller, body: bytes) -> dict[str, Any] | None:
    if caller.touch.address.service == "iam":
        return _key_made(caller, body)
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return {told: answer[name] for name, told in _ANSWERED.items() if name in answer}


def _key_made(caller: Caller, body: bytes) -> dict[str, Any] | None:
    if caller.touch.address.operation != "CreateAccessKey":
        return None
    members = {_lower(name): text for name, text in _KEY_MEMBER.findall(body.decode())}
    made = caller.now.strftime("%b %-d, %Y %-I:%M:%S %p")
    return {"accessKey": {**members, "createDate": made}}


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
