"""The members of a request's JSON body, read as AWS reads them: pure functions."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.secret import SecretQuery
from sidecar.web.aws_api.errors import ApiError, validation_error

Members = Mapping[str, Any]

# "Member must have length …" of the service models of both services.
_LONGEST: Final = 2048
_LONGEST_VERSION_ID: Final = 64
_LONGEST_STAGE: Final = 256
_MOST_SECRETS: Final = 20
_MOST_PARAMETERS: Final = 10
_OF_A_PATH: Final = (
    "Path",
    "Recursive",
    "ParameterFilters",
    "WithDecryption",
    "MaxResults",
    "NextToken",
)


def read_members(body: bytes) -> Members:
    """Read a body as a JSON object; what is not known in it is ignored, as AWS does.

    Raises:
        ApiError: it is none (SerializationException).

    """
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise _serialization_error("the body is not a JSON object")
    return members


def secret_query(members: Members) -> SecretQuery:
    """Read what GetSecretValue is asked.

    Raises:
        ApiError: no SecretId, or a member that is too long or of another type.

    """
    return SecretQuery(
        text(members, "SecretId"),
        _optional_text(members, "VersionId", _LONGEST_VERSION_ID),
        _optional_text(members, "VersionStage", _LONGEST_STAGE),
    )


def secret_ids(members: Members) -> tuple[str, ...]:
    """Read the SecretIdList of BatchGetSecretValue; ApiError when it is no list of 1 to 20 ids."""
    return _texts(members, "SecretIdList", _MOST_SECRETS)


def parameter_query(members: Members) -> ParameterQuery:
    """Read what GetParameter is asked; ApiError when it has no Name, or a wrong one."""
    return _parameter(text(members, "Name"), members)


def parameter_queries(members: Members) -> tuple[ParameterQuery, ...]:
    """Read what GetParameters is asked; ApiError when it has no list of 1 to 10 names."""
    return tuple(_parameter(name, members) for name in parameter_names(members))


def parameter_names(members: Members) -> tuple[str, ...]:
    """Read Names; ApiError when it is no list of 1 to 10 names."""
    return _texts(members, "Names", _MOST_PARAMETERS)


def path_query(members: Members) -> Members:
    """Keep what GetParametersByPath knows: the rest changes no answer; ApiError without a Path."""
    text(members, "Path")
    return {name: members[name] for name in _OF_A_PATH if members.get(name) is not None}


def text(members: Members, name: str) -> str:
    """Give a member that must be there; ApiError when it is missing, too long or no text."""
    value = _optional_text(members, name, _LONGEST)
    if value is None:
        raise validation_error(_violated(name, "not be null"))
    return value


def _parameter(written: str, members: Members) -> ParameterQuery:
    decrypt = members.get("WithDecryption")
    if decrypt is not None and not isinstance(decrypt, bool):
        raise _serialization_error("'WithDecryption' is not true or false")
    query = ParameterQuery.parse(written, with_decryption=bool(decrypt))
    if query.name.endswith(":"):
        raise validation_error("a parameter's name ends with ':', but no version or label follows")
    return query


def _optional_text(members: Members, name: str, longest: int) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise _serialization_error(f"'{name}' is not a string")
    if value is not None:
        _check_length(_sendable(value, name), name, longest)
    return value


def _texts(members: Members, name: str, most: int) -> tuple[str, ...]:
    values = members.get(name)
    if values is None:
        raise validation_error(_violated(name, "not be null"))
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise _serialization_error(f"'{name}' is not a list of strings")
    if not 1 <= len(values) <= most:
        raise validation_error(_violated(name, f"have length between 1 and {most}"))
    for each in values:
        _check_length(_sendable(each, name), name, _LONGEST)
    return tuple(values)


def _sendable(value: str, name: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
        raise _serialization_error(f"'{name}' is not Unicode text") from None
    return value


def _check_length(value: str, name: str, longest: int) -> None:
    if not 1 <= len(value) <= longest:
        raise validation_error(_violated(name, f"have length between 1 and {longest}"))


def _violated(name: str, constraint: str) -> str:
    place = f"{name[0].lower()}{name[1:]}"
    return (
        f"1 validation error detected: Value at '{place}' failed to satisfy constraint: "
        f"Member must {constraint}"
    )


def _serialization_error(message: str) -> ApiError:
    return ApiError("SerializationException", message)
