"""Reading a request of the secrets door as AWS's own programs read it: a pure function.

The rules for secrets, odd ones included, are those of the AWS Workload Credentials Provider 3.0.0:
keys are case-sensitive, an unknown key is an error, of a repeated key the last one counts, query
values are form-decoded and the id in a path is not decoded at all. It finds the route by the path
as it was sent, and the id in the path as a URL parser writes it.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.secret import SecretQuery
from sidecar.errors import BadRequest, NotFound
from sidecar.secret_cache.form import boolean, pairs
from sidecar.secret_cache.parameter_request import parse_parameter_query

QUERY_PATH: Final = "/secretsmanager/get"
# AWS's own examples end it with a slash and without.
PARAMETER_PATHS: Final = ("/systemsmanager/parameters/get", "/systemsmanager/parameters/get/")
PATH_PREFIX: Final = "/v1/"

_ROLE_ARN: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
# The longest of each that AWS takes: RoleArn of AssumeRole, and of GetSecretValue the other two.
_LONGEST_ROLE_ARN: Final = 2048
_LONGEST: Final = {"versionId": 64, "versionStage": 256}
_DOT: Final = re.compile(r"\.|%2e", re.IGNORECASE)
# What a WHATWG URL parser leaves as it is in a path, beside letters, digits and ``-._~``.
_KEPT_IN_PATH: Final = "/%!$&'()*+,:;=@[]^|"


@dataclass(frozen=True, slots=True)
class SecretRequest:
    """One request for a secret; ``refresh_now`` asks AWS whatever is held."""

    query: SecretQuery
    refresh_now: bool = False
    role_arn: str | None = None


def parse_target(target: str, path_prefix: str = PATH_PREFIX) -> SecretRequest | ParameterQuery:
    """Read the request target of a GET.

    Args:
        target: path and query as they were sent.
        path_prefix: what stands before a secret's id in the path form.

    Raises:
        NotFound: no route of this door.
        BadRequest: a parameter is missing, unknown or malformed; the message is the body to send.

    """
    path, _, query = target.partition("#")[0].partition("?")
    if path == QUERY_PATH:
        return _read(query)
    if path in PARAMETER_PATHS:
        return parse_parameter_query(query)
    if path.startswith(path_prefix):
        secret_id = _as_in_urls(path)[len(path_prefix) :]
        if not secret_id:
            raise BadRequest("missing secret ID")
        return _read(query, secret_id)
    raise NotFound("Not found")


def _read(query: str, id_in_path: str = "") -> SecretRequest:
    """Read a query, key by key: the first that is wrong decides the answer."""
    fields = {"secretId": id_in_path}
    refresh_now = False
    for key, value in pairs(query):
        match key:
            case "versionId" | "versionStage" if len(value) > _LONGEST[key]:
                raise BadRequest(f"invalid {key} value")
            case "versionId" | "versionStage" | "roleArn":
                fields[key] = value
            case "refreshNow":
                refresh_now = boolean(key, value)
            case "secretId" if not id_in_path:
                fields[key] = value
            case _:
                raise BadRequest(f"unknown parameter: {key}")
    if not fields["secretId"]:
        raise BadRequest("missing parameter secretId")
    role_arn = fields.get("roleArn")
    if role_arn is not None and not _is_role_arn(role_arn):
        raise BadRequest(
            "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>"
        )
    secret = SecretQuery(fields["secretId"], fields.get("versionId"), fields.get("versionStage"))
    return SecretRequest(secret, refresh_now, role_arn)


def _is_role_arn(role_arn: str) -> bool:
    return len(role_arn) <= _LONGEST_ROLE_ARN and _ROLE_ARN.fullmatch(role_arn) is not None


def _as_in_urls(path: str) -> str:
    """Write a path as a WHATWG URL parser does.

    Dot segments are resolved, ``%2e`` being a dot too; a backslash is a slash; what may not stand
    in a path is encoded, and nothing is decoded.
    """
    kept: list[str] = []
    segments = path.replace("\\", "/").split("/")[1:]
    for index, segment in enumerate(segments):
        plain = _DOT.sub(".", segment)
        last = index == len(segments) - 1
        if plain == "..":
            del kept[-1:]
        elif plain != ".":
            kept.append(segment)
        if last and plain in (".", ".."):
            kept.append("")
    return quote("/" + "/".join(kept), safe=_KEPT_IN_PATH, errors="surrogatepass")
