"""The parameters of CreateSession, from query string and body, checked before anything else.

Sources: IAM Roles Anywhere user guide, "CreateSession API"; patterns and limits of the service's
public API model.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sidecar.arn import Arn, profile_arn, role_arn, trust_anchor_arn
from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.json_text import from_json
from sidecar.emulator.request import Request
from sidecar.emulator.validation import validation_error, violated

_MAX_BODY_BYTES: Final = 64 * 1024
_ARNS: Final = {
    "profileArn": (profile_arn, "arn:aws(-[^:]+)?:rolesanywhere(:.*){2}(:profile.*)"),
    "roleArn": (role_arn, "arn:aws(-[^:]+)?:iam(:.*){2}(:role.*)"),
    "trustAnchorArn": (trust_anchor_arn, "arn:aws(-[^:]+)?:rolesanywhere(:.*){2}(:trust-anchor.*)"),
}
_DURATION: Final = (900, 43200)
_SESSION_NAME: Final = r"[\w+=,.@-]{2,64}"
_MAX_PROPERTIES: Final = 50
_MAX_PROPERTY_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What CreateSession was asked for; ``None`` means not given."""

    profile_arn: Arn
    role_arn: Arn
    trust_anchor_arn: Arn
    duration_seconds: int | None
    role_session_name: str | None
    instance_properties: Mapping[str, str]

    def described(self) -> dict[str, object]:
        """What was given, by its names in the API."""
        given: dict[str, object | None] = {
            "profileArn": str(self.profile_arn),
            "roleArn": str(self.role_arn),
            "trustAnchorArn": str(self.trust_anchor_arn),
            "durationSeconds": self.duration_seconds,
            "roleSessionName": self.role_session_name,
            "instanceProperties": dict(self.instance_properties) or None,
        }
        return {name: value for name, value in given.items() if value is not None}


def parse_session_request(request: Request) -> SessionRequest:
    """Read the parameters of CreateSession.

    The ARNs may stand in the query string or in the body, anything else in the body only; members
    that CreateSession does not know are ignored.

    Raises:
        AwsError: ValidationException.
    """
    members = _members(request)
    arns = {name: _arn(name, members.get(name)) for name in _ARNS}
    return SessionRequest(
        profile_arn=arns["profileArn"],
        role_arn=arns["roleArn"],
        trust_anchor_arn=arns["trustAnchorArn"],
        duration_seconds=_duration(members.get("durationSeconds")),
        role_session_name=_session_name(members.get("roleSessionName")),
        instance_properties=_instance_properties(members.get("instanceProperties")),
    )


def _members(request: Request) -> dict[str, Any]:
    body = _body(request)
    for name, value in request.query_pairs():
        if name not in _ARNS:
            continue
        if body.setdefault(name, value) != value:
            problem = f"{name} in the query string differs from {name} elsewhere in the request"
            raise AwsError(400, "ValidationException", problem)
    return body


def _body(request: Request) -> dict[str, Any]:
    if len(request.body) > _MAX_BODY_BYTES:
        raise AwsError(400, "ValidationException", "Request body is too large")
    if not request.body:
        return {}
    try:
        parsed = from_json(request.body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise AwsError(400, "ValidationException", "Request body must be a JSON object")
    return parsed


def _arn(name: str, value: object) -> Arn:
    parse, pattern = _ARNS[name]
    if value is None:
        raise validation_error(violated(None, name, "not be null"))
    try:
        return parse(value if isinstance(value, str) else "")
    except ValueError:
        constraint = f"satisfy regular expression pattern: {pattern}"
        raise validation_error(violated(value, name, constraint)) from None


def _duration(value: object) -> int | None:
    """An integer; a float with an integral value counts, since Envoy sends one."""
    if value is None:
        return None
    integral = value.is_integer() if isinstance(value, float) else isinstance(value, int)
    if not isinstance(value, int | float) or isinstance(value, bool) or not integral:
        raise validation_error(violated(value, "durationSeconds", "be of type integer"))
    seconds = int(value)
    low, high = _DURATION
    if seconds < low:
        constraint = f"have value greater than or equal to {low}"
        raise validation_error(violated(seconds, "durationSeconds", constraint))
    if seconds > high:
        constraint = f"have value less than or equal to {high}"
        raise validation_error(violated(seconds, "durationSeconds", constraint))
    return seconds


def _session_name(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or re.fullmatch(_SESSION_NAME, value, re.ASCII) is None:
        constraint = f"satisfy regular expression pattern: {_SESSION_NAME}"
        raise validation_error(violated(value, "roleSessionName", constraint))
    return value


def _instance_properties(value: object) -> dict[str, str]:
    if value is None:
        return {}
    pairs = list(value.items()) if isinstance(value, dict) else []
    good = isinstance(value, dict) and len(pairs) <= _MAX_PROPERTIES
    if not good or not all(
        isinstance(text, str) and 1 <= len(text) <= _MAX_PROPERTY_LENGTH
        for pair in pairs
        for text in pair
    ):
        constraint = "be a map of at most 50 strings of 1 to 200 characters"
        raise validation_error(violated(value, "instanceProperties", constraint))
    return dict(pairs)
