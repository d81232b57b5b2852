"""Operations that are sent on and yet answer with values: the policy is applied to what comes back.

The app could ask AWS itself with the same credentials; what comes through this door is what its
configuration says, all the same.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sidecar.access.decision import Action
from sidecar.aws.failed_calls import unreadable
from sidecar.aws.json_api import ApiCall, ApiReply
from sidecar.errors import Forbidden
from sidecar.web.aws_api.caller import Caller
from sidecar.web.aws_api.errors import ACCESS_DENIED
from sidecar.web.aws_api.members import read_members, text

_SUCCESS: Final = 200
# What tells of a body's bytes is wrong for another body.
_OF_THE_BODY: Final = frozenset({"x-amz-crc32", "content-encoding", "content-length", "etag"})


def readable(call: ApiCall) -> ApiCall:
    """Give the call so that its answer comes in clear."""
    kept = tuple(each for each in call.headers if each[0].lower() != "accept-encoding")
    return replace(call, headers=kept)


def _check_history(call: ApiCall, caller: Caller) -> None:
    action = "ssm:GetParameterHistory"
    name = text(read_members(call.body), "Name")
    with caller.asking(action, name):
        caller.check(Action.NAME_PARAMETER, action, name)


def _permitted_history(told: dict[str, Any], caller: Caller) -> dict[str, Any]:
    action = "ssm:GetParameterHistory"
    for name in {each["Name"] for each in told["Parameters"]}:
        with caller.asking(action, name):
            caller.check(Action.READ_PARAMETER, action, name)
        caller.granted(action, name)
    return told


def _permitted_batch(told: dict[str, Any], caller: Caller) -> dict[str, Any]:
    action = "secretsmanager:BatchGetSecretValue"
    values, errors = [], list(told.get("Errors", []))
    for each in told["SecretValues"]:
        name = each["Name"]
        try:
            with caller.asking(action, name):
                caller.check(Action.READ_SECRET, action, name)
        except Forbidden as exc:
            error = {"SecretId": name, "ErrorCode": ACCESS_DENIED, "Message": exc.message}
            errors.append(error)
        else:
            caller.granted(action, name)
            values.append(each)
    return {**told, "SecretValues": values, "Errors": errors}


def _nothing_to_check(call: ApiCall, caller: Caller) -> None:
    """Let it be asked: what it may find is known only afterwards."""


_Check = Callable[[ApiCall, Caller], None]
_Permit = Callable[[dict[str, Any], Caller], dict[str, Any]]
_OPERATIONS: Final[Mapping[str, tuple[_Check, _Permit]]] = {
    "secretsmanager:BatchGetSecretValue": (_nothing_to_check, _permitted_batch),
    "ssm:GetParameterHistory": (_check_history, _permitted_history),
}
LOOKED_AT: Final = tuple(each.replace(":", ".") for each in _OPERATIONS)


def answers_with_values(action: str) -> bool:
    """Whether what comes back must be looked at."""
    return action in _OPERATIONS


def check_call(action: str, call: ApiCall, caller: Caller) -> None:
    """Refuse a call that asks for what the app may not read.

    Raises:
        ApiError: the request is malformed.
        Forbidden: the policy does not allow it.

    """
    _OPERATIONS[action][0](call, caller)


def permitted(action: str, reply: ApiReply, caller: Caller) -> ApiReply:
    """Give what the app may have of a reply; a refusal of AWS's passes as it is.

    Raises:
        Forbidden: it may have nothing of it.
        UpstreamError: it cannot be read.

    """
    if reply.status != _SUCCESS:
        return reply
    try:
        body = _OPERATIONS[action][1](json.loads(reply.body), caller)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise unreadable() from None
    headers = {
        name: each for name, each in reply.headers.items() if name.lower() not in _OF_THE_BODY
    }
    return ApiReply(reply.status, headers, json.dumps(body, separators=(",", ":")).encode())
