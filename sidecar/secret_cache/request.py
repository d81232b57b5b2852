"""Reading a request of the secrets door as AWS's own agent reads it: a pure function.

The rules, odd ones included, are those of the AWS Workload Credentials Provider 3.0.0: keys are
case-sensitive, an unknown key is an error, of a repeated key the last one counts, query values are
form-decoded (``+`` is a blank) and the id in a path is not decoded at all.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from sidecar.aws.secret import SecretQuery
from sidecar.errors import BadRequest, NotFound

QUERY_PATH: Final = "/secretsmanager/get"
PATH_PREFIX: Final = "/v1/"

_ROLE_ARN: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_COMMON_KEYS: Final = frozenset({"versionId", "versionStage", "refreshNow", "roleArn"})
_DOT: Final = re.compile(r"\.|%2e", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SecretRequest:
    """One request for a secret; ``refresh_now`` asks AWS whatever is held."""

    query: SecretQuery
    refresh_now: bool = False
    role_arn: str | None = None


def parse_target(target: str) -> SecretRequest:
    """Read the request target of a GET.

    Raises:
        NotFound: no route of this door.
        BadRequest: a parameter is missing, unknown or malformed; the message is the body to send.

    """
    path, _, query = target.partition("#")[0].partition("?")
    path = _without_dot_segments(path)
    if path == QUERY_PATH:
        fields = _fields(query, _COMMON_KEYS | {"secretId"})
        if not fields.get("secretId"):
            raise BadRequest("missing parameter secretId")
        return _request(fields["secretId"], fields)
    if path.startswith(PATH_PREFIX):
        fields = _fields(query, _COMMON_KEYS)
        secret_id = path.removeprefix(PATH_PREFIX)
        if not secret_id:
            raise BadRequest("missing secret ID")
        return _request(secret_id, fields)
    raise NotFound("Not found")


def _request(secret_id: str, fields: dict[str, str]) -> SecretRequest:
    query = SecretQuery(secret_id, fields.get("versionId"), fields.get("versionStage"))
    refresh_now = _BOOLEANS.get(fields.get("refreshNow", "false").lower())
    if refresh_now is None:
        raise BadRequest("invalid refreshNow value")
    role_arn = fields.get("roleArn")
    if role_arn is not None and not _ROLE_ARN.fullmatch(role_arn):
        raise BadRequest(
            "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>"
        )
    return SecretRequest(query, refresh_now, role_arn)


def _fields(query: str, known: frozenset[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in known:
            raise BadRequest(f"unknown parameter: {key}")
        fields[key] = value
    return fields


def _without_dot_segments(path: str) -> str:
    """Resolve dot segments as a WHATWG URL parser does, ``%2e`` being a dot too."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        plain = _DOT.sub(".", segment)
        last = index == len(segments) - 1
        if plain == "..":
            del kept[-1:]
        elif plain != ".":
            kept.append(segment)
        if last and plain in (".", ".."):
            kept.append("")
    return "/" + "/".join(kept)
