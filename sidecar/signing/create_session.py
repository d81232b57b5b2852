"""CreateSession of IAM Roles Anywhere on the wire: the signed request."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from sidecar.arn import Arn
from sidecar.signing.canonical import Request
from sidecar.signing.x509 import CertifiedKey, sign_request

SERVICE: Final = "rolesanywhere"
MIN_DURATION_SECONDS: Final = 900
MAX_DURATION_SECONDS: Final = 43200


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


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to CreateSession, as its answer is judged by it.

    Args:
        parameters: what was asked for.
        key: the certificate that asked.
        endpoint: base URL of the service.
        sent_at: when the request went out, by this machine's clock.
        signed_at: the moment in its signature; another one when the machine's clock is wrong.

    """

    parameters: SessionParameters
    key: CertifiedKey
    endpoint: str
    sent_at: datetime
    signed_at: datetime


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
