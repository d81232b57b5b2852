"""A refusal by CreateSession as an error: whether it may pass, and what is likely behind it."""

import base64
import json
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.signing.clock_skew import about_the_date, ahead_of_us, refused_for_the_date
from sidecar.signing.create_session import Asked
from sidecar.signing.http_reply import Reply
from sidecar.signing.likely_cause import Row, in_order
from sidecar.signing.refusal_causes import CLOCK, DELAY, TABLE, UNKNOWN
from sidecar.signing.remote_text import printable
from sidecar.signing.throttling import THROTTLING, TOO_MANY_REQUESTS

_SERVER_ERROR: Final = 500
# RFC 9110, 15.5.9, and RFC 8470, 5.2: the request came too late or too early, and may be repeated.
_PASSING_STATUSES: Final = frozenset({408, 425})

_QUOTA: Final = (
    "more than the account's quota of CreateSession, 10 a second unless raised: it is tried again "
    "by itself; docs/renewal.md says how many sidecars fit"
)
_PASSING: Final = "AWS or a proxy is in trouble; it is tried again by itself"


def refusal(reply: Reply, asked: Asked, *, now: datetime) -> UpstreamError:
    """Make the error for an answer that is no session.

    Args:
        reply: what came back.
        asked: what was asked for, of whom, when, and with which certificate.
        now: when the reply came.

    """
    code, words = error_of(reply)
    message = ": ".join(
        filter(None, ("CreateSession was refused", f"{reply.status} {code}".strip(), words))
    )
    throttled = reply.status == TOO_MANY_REQUESTS or code in THROTTLING
    passing = reply.status >= _SERVER_ERROR or reply.status in _PASSING_STATUSES
    if throttled or passing:
        return UpstreamUnavailable(
            message,
            hint=_QUOTA if throttled else _PASSING,
            status=reply.status,
            code=code,
            retry_after_seconds=reply.retry_after_seconds(now),
        )
    hint = in_order(causes_of(reply, asked))
    return UpstreamRefused(message, hint=hint, status=reply.status, code=code)


def causes_of(reply: Reply, asked: Asked) -> tuple[str, ...]:
    """Say what is likely behind a refusal, the most likely first."""
    row = _row(reply, asked)
    facts = _facts(reply, asked)
    return tuple(each.told(facts) for each in row.causes)


def error_of(reply: Reply) -> tuple[str, str]:
    """Read code and message of a restJson1 error, fit for a terminal; the header wins."""
    try:
        fields = json.loads(reply.body)
    except (ValueError, RecursionError):
        fields = {}
    if not isinstance(fields, dict):
        fields = {}
    code = reply.header("x-amzn-ErrorType") or fields.get("code") or fields.get("__type") or ""
    words = fields.get("message") or fields.get("Message") or ""
    return _sanitised(str(code)), printable(str(words))


def _row(reply: Reply, asked: Asked) -> Row:
    code, words = error_of(reply)
    for_the_date = refused_for_the_date(reply, code, words, signed_at=asked.signed_at)
    if for_the_date or about_the_date(code, words):
        return CLOCK if for_the_date or reply.date() is None else DELAY
    folded = words.lower()
    return next((row for row in TABLE if row.fits(reply.status, code, folded)), UNKNOWN)


def _facts(reply: Reply, asked: Asked) -> dict[str, str]:
    """Fill in what the causes name."""
    parameters, key = asked.parameters, asked.key
    leaf, last = (_read(each) for each in (key.certificate, (key.certificate, *key.chain)[-1]))
    seconds = parameters.duration_seconds
    count = len(key.chain)
    return {
        "account": parameters.role_arn.account,
        "anchor": str(parameters.trust_anchor_arn),
        "anchor_id": parameters.trust_anchor_arn.resource_name,
        "duration": "the profile's duration" if seconds is None else f"{seconds} seconds",
        "host": urlsplit(asked.endpoint).netloc,
        "intermediates": f"{count or 'no'} intermediate{'s' if count != 1 else ''}",
        "issuer": printable(last.issuer.rfc4514_string()),
        "not_after": f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
        "not_before": f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
        "profile_id": parameters.profile_arn.resource_name,
        "region": parameters.trust_anchor_arn.region,
        "role": str(parameters.role_arn),
        "role_name": parameters.role_arn.resource_name,
        "skew": told(ahead_of_us(reply, asked.sent_at)),
    }


def told(ahead: timedelta | None) -> str:
    """Say how this machine's clock stands against AWS's."""
    if not ahead:
        return "may be wrong"
    minutes = abs(ahead.total_seconds()) / 60
    return f"is {minutes:.1f} minutes {'behind' if ahead > timedelta(0) else 'ahead of'} AWS's"


def _read(base64_der: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(base64_der))


def _sanitised(code: str) -> str:
    """Cut a shape id down to its name: ``ns#Name:http://…`` is ``Name``."""
    return printable(code.split(":", 1)[0].rsplit("#", 1)[-1])
