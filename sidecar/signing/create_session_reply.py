"""The reply to CreateSession: credentials, once it is found to answer what was asked."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sidecar.clock import parse_iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamUnavailable
from sidecar.signing.create_session import MAX_DURATION_SECONDS, Asked
from sidecar.signing.http_reply import Reply
from sidecar.signing.refusal import refusal

_SUCCESS: Final = range(200, 300)
# AWS's names of the three parts, and ours.
_PARTS: Final = {
    "AccessKeyId": "accessKeyId",
    "SecretAccessKey": "secretAccessKey",
    "SessionToken": "sessionToken",
}
# What reading a reply of the wrong shape raises; RecursionError is JSON nested beyond all measure.
_MALFORMED: Final = (
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class _NotWhatWasAsked(Exception):
    """A reply that can be read and must not be used; the message quotes nothing of it."""


def parse_reply(
    reply: Reply, asked: Asked, *, now: datetime, ahead: timedelta = timedelta(0)
) -> Credentials:
    """Read the reply to CreateSession and check that it answers what was asked.

    Moments in the credentials are by this machine's clock, since everything that compares them,
    applications included, looks at that one.

    Args:
        reply: what came back.
        asked: the question; the role must be this one, the life not longer than asked.
        now: when the reply came, by this machine's clock; the credentials count as issued then.
        ahead: how far AWS's clock is ahead of this machine's.

    Raises:
        UpstreamRefused: AWS said no, with its code and words and the likely causes.
        UpstreamUnavailable: 5xx, throttling, or a 2xx that holds no usable credentials.

    """
    if reply.status not in _SUCCESS:
        raise refusal(reply, asked, now=now)
    try:
        return _credentials(reply, asked, now, ahead)
    except _NotWhatWasAsked as exc:
        raise _unusable(reply.status, str(exc)) from None
    except _MALFORMED as exc:
        # The body may hold half a credential: say where the reading failed, never what was read.
        raise _unusable(reply.status, type(exc).__name__) from None


def _credentials(reply: Reply, asked: Asked, now: datetime, ahead: timedelta) -> Credentials:
    role = asked.parameters.role_arn
    longest = timedelta(seconds=asked.parameters.duration_seconds or MAX_DURATION_SECONDS)
    entry, expires_at = _read(reply.body)
    if entry["roleArn"] != str(role):
        raise _NotWhatWasAsked("it is for another role")
    held = entry["credentials"]
    parts = {name: held[wire_name] for name, wire_name in _PARTS.items()}
    try:
        credentials = Credentials.received(
            parts, role=role, expires_at=expires_at - ahead, longest=longest, now=now
        )
    except ValueError as exc:
        raise _NotWhatWasAsked(str(exc)) from None
    if not ahead:
        return credentials
    # A clock that was corrected, or a date that lies, never makes a life longer than was asked.
    return replace(credentials, expires_at=min(credentials.expires_at, now + longest))


def _read(body: bytes) -> tuple[Mapping[str, Any], datetime]:
    """Read the one entry of the reply, and when it expires by AWS's clock."""
    try:
        entry = json.loads(body)["credentialSet"][0]
        return entry, parse_iso_seconds(entry["credentials"]["expiration"])
    except ValueError as exc:
        raise _NotWhatWasAsked(type(exc).__name__) from None


def _unusable(status: int, why: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(
        f"CreateSession answered {status} without usable credentials ({why})",
        hint="the clock there may differ from this machine's, or something between here and AWS "
        "may have rewritten the answer",
        status=status,
    )
