"""Reading what a request says about its own signature; nothing of it is proved thereby."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidecar.signing.canonical import TERMINATOR, Scope
from sidecar.signing.not_authentic import Code, NotAuthentic

ALGORITHM: Final = "AWS4-HMAC-SHA256"

_PARTS: Final = ("Credential", "SignedHeaders", "Signature")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9]{4,128}")
_DAY: Final = re.compile(r"[0-9]{8}")
# The longest label of a host name, which a region becomes.
_REGION: Final = re.compile(r"[a-z0-9-]{1,63}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Authorization:
    """An ``Authorization`` header taken apart.

    Args:
        access_key_id: whose secret key the signature is said to be made with.
        scope: what it is said to be good for.
        signed_headers: lower-case names of the headers that it covers, sorted.
        signature: 64 lower-case hexadecimal digits.

    """

    access_key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(headers: Headers) -> Authorization:
    """Read the one ``Authorization`` header, as strictly as SDKs write it.

    The form is that of AWS's IAM user guide, "Create a signed AWS API request", step 5: the
    algorithm, a blank, and three named parts in any order with commas between them.

    Raises:
        NotAuthentic: none, more than one, or not of that form; the message quotes nothing of it.

    """
    given = values_of(headers, "authorization")
    if not given:
        raise NotAuthentic(Code.MISSING, "Missing Authentication Token")
    if len(given) > 1:
        raise _incomplete("More than one Authorization header.")
    algorithm, _, rest = given[0].partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': only {ALGORITHM} is supported.")
    parts = _parts(rest)
    access_key_id, scope = _credential(parts["Credential"])
    if not _SIGNATURE.fullmatch(parts["Signature"]):
        raise _incomplete("'Signature' is not 64 lower-case hexadecimal digits.")
    return Authorization(
        access_key_id, scope, _signed_headers(parts["SignedHeaders"]), parts["Signature"]
    )


def values_of(headers: Headers, name: str) -> list[str]:
    """Give the values of all headers of a name, which is in lower case."""
    return [value for key, value in headers if key.lower() == name]


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for each in text.split(","):
        name, equals, value = each.strip(" ").partition("=")
        if not equals:
            raise _incomplete("Not a valid key=value pair (missing equal-sign).")
        if name not in _PARTS or name in parts:
            raise _incomplete("Authorization header has an unknown or repeated parameter.")
        parts[name] = value
    if missing := [name for name in _PARTS if not parts.get(name)]:
        raise _incomplete(
            " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        )
    return parts


def _credential(text: str) -> tuple[str, Scope]:
    key_id, *scope = text.split("/")
    if len(scope) != 4 or not _KEY_ID.fullmatch(key_id):  # noqa: PLR2004 - day/region/service/end
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements: key id, date, region, "
            "service and aws4_request."
        )
    day, region, service, terminator = scope
    if terminator != TERMINATOR:
        raise _invalid(f"Credential should be scoped with a valid terminator: '{TERMINATOR}'.")
    if not _DAY.fullmatch(day):
        raise _invalid("Credential should be scoped to a date of the form YYYYMMDD.")
    if not _REGION.fullmatch(region):
        raise _invalid("Credential should be scoped to a valid region.")
    return key_id, Scope(day, region, service)


def _signed_headers(text: str) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if not all(_HEADER_NAME.fullmatch(name) for name in names):
        raise _incomplete("'SignedHeaders' must be lower-case header names with ';' between them.")
    if names != tuple(sorted(set(names))):
        raise _incomplete("'SignedHeaders' must be sorted, each name once.")
    return names


def _incomplete(message: str) -> NotAuthentic:
    return NotAuthentic(Code.INCOMPLETE, message)


def _invalid(message: str) -> NotAuthentic:
    return NotAuthentic(Code.INVALID, message)
