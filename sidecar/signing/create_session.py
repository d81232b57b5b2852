"""CreateSession of IAM Roles Anywhere on the wire: the signed request and the reply."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

from sidecar.arn import Arn
from sidecar.clock import parse_iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.redaction import Secret
from sidecar.signing.canonical import Request
from sidecar.signing.x509 import CertifiedKey, sign_request

SERVICE: Final = "rolesanywhere"
MIN_DURATION_SECONDS: Final = 900
MAX_DURATION_SECONDS: Final = 43200

# Together with the rest of the answer these stay under the 10,000 bytes that one SDK reads.
_LONGEST: Final = {"accessKeyId": 128, "secretAccessKey": 256, "sessionToken": 8192}
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
# How far this machine's clock may be behind AWS's; signatures are refused sooner.
_CLOCK_TOLERANCE: Final = timedelta(minutes=15)

_THROTTLED: Final = frozenset({"ThrottlingException", "TooManyRequestsException", "Throttling"})
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
_SUCCESS: Final = range(200, 300)

# What reading a reply of the wrong shape raises; RecursionError is JSON nested beyond all measure.
_MALFORMED: Final = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class SessionParameters:
    """What a session is asked for.

    ``duration_seconds`` is 900 to 43200, or None for the profile's own; ``role_session_name`` works
    only with a profile that accepts it.
    """

    trust_anchor_arn: Arn
    profile_arn: Arn
    role_arn: Arn
    duration_seconds: int | None = None
    role_session_name: str | None = None


def build_request(
    parameters: SessionParameters,
    *,
    endpoint: str,
    region: str,
    key: CertifiedKey,
    now: datetime,
) -> Request:
    """Write and sign ``POST /sessions``.

    The three ARNs go into the query and the rest into the body, as AWS's own helper does it; the
    service accepts either place (user guide, "CreateSession").

    Args:
        parameters: what to ask for.
        endpoint: base URL of the service without a path, such as ``https://host:port``.
        region: the region of the trust anchor, for the signature's scope.
        key: the certificate and how to sign with its key.
        now: the moment to sign for.

    """
    headers = (("Host", urlsplit(endpoint).netloc), ("Content-Type", "application/json"))
    body = json.dumps(_body(parameters), separators=(",", ":")).encode()
    request = Request("POST", f"/sessions?{_query(parameters)}", headers, body)
    return sign_request(request, key, region=region, service=SERVICE, now=now)


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """An HTTP reply: status, headers by name in any case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def parse_reply(reply: Reply, asked: SessionParameters, *, now: datetime) -> Credentials:
    """Read the reply to CreateSession and check that it answers what was asked.

    Args:
        reply: what came back.
        asked: what was asked for; the role must be this one, the life not longer than asked.
        now: when the reply came; the credentials count as issued then.

    Raises:
        UpstreamRefused: AWS said no, with its code and words.
        UpstreamUnavailable: 5xx, throttling, or a 2xx that holds no usable credentials.

    """
    if reply.status not in _SUCCESS:
        raise _refusal(reply.status, reply.headers, reply.body)
    try:
        return _credentials(json.loads(reply.body), asked, now)
    except _NotWhatWasAsked as exc:
        raise _unusable(reply.status, str(exc)) from None
    except _MALFORMED as exc:
        # The body may hold half a credential: say where the reading failed, never what was read.
        raise _unusable(reply.status, type(exc).__name__) from None


class _NotWhatWasAsked(Exception):
    """A reply that can be read and must not be used; the message quotes nothing of it."""


def _unusable(status: int, why: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(
        f"CreateSession answered {status} without usable credentials ({why})",
        hint="something between here and AWS may have rewritten the answer",
        status=status,
    )


def _query(parameters: SessionParameters) -> str:
    arns = (
        ("profileArn", parameters.profile_arn),
        ("roleArn", parameters.role_arn),
        ("trustAnchorArn", parameters.trust_anchor_arn),
    )
    return "&".join(f"{name}={quote(str(arn), safe='-_.~')}" for name, arn in arns)


def _body(parameters: SessionParameters) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if parameters.duration_seconds is not None:
        body["durationSeconds"] = parameters.duration_seconds
    if parameters.role_session_name is not None:
        body["roleSessionName"] = parameters.role_session_name
    return body


def _credentials(reply: Mapping[str, Any], asked: SessionParameters, now: datetime) -> Credentials:
    entry = reply["credentialSet"][0]
    held = entry["credentials"]
    for name, longest in _LONGEST.items():
        if not _VISIBLE.fullmatch(held[name]) or len(held[name]) > longest:
            raise _NotWhatWasAsked(f"{name} is empty, too long or not plain text")
    if entry["roleArn"] != str(asked.role_arn):
        raise _NotWhatWasAsked("it is for another role")
    expires_at = parse_iso_seconds(held["expiration"])
    if expires_at <= now:
        raise _NotWhatWasAsked("already expired")
    lifetime = timedelta(seconds=asked.duration_seconds or MAX_DURATION_SECONDS)
    if expires_at > now + lifetime + _CLOCK_TOLERANCE:
        raise _NotWhatWasAsked("it claims to last longer than was asked")
    return Credentials(
        access_key_id=held["accessKeyId"],
        secret_access_key=Secret(held["secretAccessKey"]),
        session_token=Secret(held["sessionToken"]),
        issued_at=now,
        expires_at=expires_at,
        role_arn=str(asked.role_arn),
        account_id=asked.role_arn.account,
    )


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    code, words = _error_code(headers, body)
    message = ": ".join(
        filter(None, ("CreateSession was refused", f"{status} {code}".strip(), words))
    )
    temporary = status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS or code in _THROTTLED
    if temporary:
        return UpstreamUnavailable(message, status=status, code=code)
    return UpstreamRefused(message, hint=_hint(words), status=status, code=code)


def _error_code(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Read code and message of a restJson1 error; the header wins over the body."""
    folded = {name.lower(): value for name, value in headers.items()}
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = {}
    if not isinstance(fields, dict):
        fields = {}
    code = folded.get("x-amzn-errortype") or fields.get("code") or fields.get("__type") or ""
    words = fields.get("message") or fields.get("Message") or ""
    return _sanitised(str(code)), _printable(str(words))


def _sanitised(code: str) -> str:
    """Cut a shape id down to its name: ``ns#Name:http://…`` is ``Name``."""
    return _printable(code.split(":", 1)[0].rsplit("#", 1)[-1])


def _printable(text: str, limit: int = 500) -> str:
    """Make remote text safe for a terminal and a log line."""
    return "".join(char if char.isprintable() else "�" for char in text[:limit])


# The words that users meet most, and what was behind them in the field; first match wins.
_HINTS: Final = (
    (
        "untrusted signing certificate",
        "the trust anchor's CA did not issue this certificate, or an intermediate is missing",
    ),
    (
        "insufficient certificate",
        "the certificate needs key usage digitalSignature, CA:false, SHA-256 and a subject",
    ),
    ("not found", "check the ARN, its region and its account; it may have been deleted"),
    ("not listed", "add the role to the profile: aws rolesanywhere update-profile --role-arns"),
    ("maxsessionduration", "ask for less, or raise the role's maximum session duration"),
    ("rolesessionname", "the profile must have acceptRoleSessionName enabled"),
    (
        "unable to assume role",
        (
            "the role's trust policy must allow rolesanywhere.amazonaws.com sts:AssumeRole, "
            "sts:TagSession and sts:SetSourceIdentity, with aws:SourceArn = the trust anchor"
        ),
    ),
)


def _hint(words: str) -> str:
    folded = words.lower()
    found = (hint for marker, hint in _HINTS if marker in folded)
    return next(found, "docs/aws-setup.md lists what CreateSession wants")
