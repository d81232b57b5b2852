"""A record of every CreateSession, as CloudTrail keeps one: who asked, and what came of it.

The members are CloudTrail's where that has them; those under ``additionalEventData`` and
``certificate`` are our own, since AWS documents what it notes there, not under which names.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final

from cryptography import x509

from sidecar.clock import iso_seconds
from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.role_sessions import RoleSession
from sidecar.emulator.roles_anywhere.session_request import SessionRequest

_KEPT: Final = 1000
# What the client is told when the emulator itself fails, as with a policy that it cannot evaluate.
_UNFINISHED: Final = AwsError(500, "InternalFailure", "the emulator failed")


@dataclass(slots=True)
class SessionEvent:
    """One CreateSession, filled in as it goes through the checks; an error until it succeeds."""

    at: datetime
    request: SessionRequest | None = None
    leaf: x509.Certificate | None = None
    session: RoleSession | None = None
    subject_arn: str = ""
    error: AwsError | None = field(default_factory=lambda: _UNFINISHED)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def note(self, **notes: tuple[str, ...]) -> None:
        """Keep what AWS would note without refusing; empty notes are left out."""
        self.notes |= {name: list(values) for name, values in notes.items() if values}

    def described(self) -> dict[str, Any]:
        """The event as JSON: no credentials but the access key id."""
        event: dict[str, Any] = {"eventName": "CreateSession", "eventTime": iso_seconds(self.at)}
        if self.request is not None:
            event["awsRegion"] = self.request.trust_anchor_arn.region
            event["requestParameters"] = self.request.described()
        if self.leaf is not None:
            event["certificate"] = {
                "serialNumber": str(self.leaf.serial_number),
                "subject": self.leaf.subject.rfc4514_string(),
                "issuer": self.leaf.issuer.rfc4514_string(),
            }
        if self.session is not None:
            event["responseElements"] = self._response(self.session)
        if self.error is not None:
            event |= {"errorCode": self.error.code, "errorMessage": self.error.message}
        return {**event, "additionalEventData": self.notes}

    def _response(self, session: RoleSession) -> dict[str, Any]:
        return {
            "subjectArn": self.subject_arn,
            "assumedRoleArn": session.arn,
            "accessKeyId": session.credentials.access_key_id,
            "expiration": iso_seconds(session.credentials.expires_at),
            "sourceIdentity": session.grant.source_identity,
            "principalTags": dict(session.grant.tags),
        }


class SessionLog:
    """The latest thousand events, oldest first; safe to use from many threads."""

    def __init__(self) -> None:
        self._events: deque[SessionEvent] = deque(maxlen=_KEPT)
        self._lock = Lock()

    def add(self, event: SessionEvent) -> None:
        """Keep one more."""
        with self._lock:
            self._events.append(event)

    def events(self) -> list[dict[str, Any]]:
        """What happened, as JSON."""
        with self._lock:
            kept = list(self._events)
        return [event.described() for event in kept]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._events.clear()
