"""Readers of what is sent to STS, with STS's own limits (API reference, "AssumeRole", "Tag")."""

import json
import re
import unicodedata
from typing import Final

from sidecar.arn import Arn
from sidecar.config.option import text, texts, whole_number
from sidecar.session_name import SessionName

_EXTERNAL_ID: Final = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_MAX_TAGS: Final = 50
_MAX_TAG_KEY: Final = 128
_MAX_TAG_VALUE: Final = 256
_MAX_POLICY: Final = 2048
_MAX_POLICY_ARNS: Final = 10


def session_name(value: object) -> SessionName:
    """Read the template of a role session's name."""
    return SessionName.parse(text(value))


def external_id(value: object) -> str:
    """Read an external id."""
    found = text(value)
    if not _EXTERNAL_ID.fullmatch(found):
        raise ValueError("must be 2 to 1224 of letters, digits and _+=,.@:/-")
    return found


def session_tags(value: object) -> tuple[tuple[str, str], ...]:
    """Read session tags: a table, or ``key=value`` between commas."""
    if isinstance(value, str):
        pairs = [each.partition("=") for each in value.split(",")]
        if not all(separator for _, separator, _ in pairs):
            raise ValueError("must be key=value, with commas between several")
        if len({key.strip() for key, *_ in pairs}) != len(pairs):
            raise ValueError("says a key twice")
        value = {key.strip(): found.strip() for key, _, found in pairs}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValueError("must be a table of texts")
    if len({key.casefold() for key in value}) != len(value):
        raise ValueError("has keys that differ in their case only, which STS refuses")
    if len(value) > _MAX_TAGS:
        raise ValueError(f"has more than {_MAX_TAGS} tags")
    for key, found in value.items():
        _check_tag(key, found)
    return tuple(value.items())


def _check_tag(key: str, value: str) -> None:
    if not 0 < len(key) <= _MAX_TAG_KEY or len(value) > _MAX_TAG_VALUE:
        raise ValueError(
            f"takes keys of 1 to {_MAX_TAG_KEY} and values of up to {_MAX_TAG_VALUE} characters"
        )
    if not all(
        unicodedata.category(char)[0] in "LZN" or char in "_.:/=+-@" for char in key + value
    ):
        raise ValueError("takes letters, digits, spaces and _.:/=+-@ only")
    if key.lower().startswith("aws:"):
        raise ValueError("has a key that begins with aws:, which AWS keeps for itself")


def session_policy(value: object) -> str:
    """Read a session policy: an IAM policy document as JSON text."""
    document = text(value)
    if len(document) > _MAX_POLICY:
        raise ValueError(f"is longer than the {_MAX_POLICY} characters that STS takes")
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(parsed, dict) or "Statement" not in parsed:
        raise ValueError("must be an IAM policy document, with a Statement")
    return document


def policy_arns(value: object) -> tuple[Arn, ...]:
    """Read the ARNs of managed policies."""
    found = tuple(map(Arn.parse, texts(value)))
    if not all((each.service, each.resource[:7]) == ("iam", "policy/") for each in found):
        raise ValueError("must be ARNs of policies: …:iam::…:policy/…")
    if len(found) > _MAX_POLICY_ARNS:
        raise ValueError(f"names more than the {_MAX_POLICY_ARNS} policies that STS takes")
    return found


def chained_seconds(value: object) -> int:
    """Read how long a chained role's session lasts (user guide, "Role chaining")."""
    try:
        return whole_number(900, 3600)(value)
    except ValueError as exc:
        raise ValueError(f"{exc}: AWS limits a chained role's session to one hour") from None
