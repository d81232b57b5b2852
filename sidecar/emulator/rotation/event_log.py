"""A record of rotations, in the form in which CloudTrail has them.

Source: Secrets Manager user guide, "Log AWS Secrets Manager events with AWS CloudTrail".
"""

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final

from sidecar.arn import Arn
from sidecar.clock import iso_seconds

_KEPT: Final = 1000
_SERVICE: Final = "secretsmanager.amazonaws.com"


@dataclass(frozen=True, slots=True)
class RotationEvent:
    """One event in a rotation's life; `error_message` is empty unless something failed."""

    name: str
    secret_arn: str
    version_id: str
    at: datetime
    error_message: str = ""

    def described(self) -> dict[str, Any]:
        """The ``detail`` of the event as EventBridge hands it on; nothing of a secret's value."""
        arn = Arn.parse(self.secret_arn)
        failed = {"errorMessage": self.error_message} if self.error_message else {}
        return {
            "eventVersion": "1.08",
            "userIdentity": {"accountId": arn.account, "invokedBy": _SERVICE},
            "eventTime": iso_seconds(self.at),
            "eventSource": _SERVICE,
            "eventName": self.name,
            "awsRegion": arn.region,
            "sourceIPAddress": _SERVICE,
            "userAgent": _SERVICE,
            **failed,
            "requestParameters": None,
            "responseElements": None,
            "additionalEventData": {"SecretId": self.secret_arn},
            "requestID": f"Rotation-{self.secret_arn}-{self.version_id}",
            "eventID": str(uuid.uuid4()),
            "readOnly": False,
            "eventType": "AwsServiceEvent",
            "managementEvent": True,
            "recipientAccountId": arn.account,
            "eventCategory": "Management",
        }


class RotationLog:
    """The latest thousand events, oldest first; safe to use from many threads."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._followers: list[Callable[[dict[str, Any]], None]] = []
        self._lock = Lock()

    def add(self, event: RotationEvent) -> None:
        """Keep one more, and tell it to whoever follows."""
        described = event.described()
        with self._lock:
            self._events.append(described)
        for follow in self._followers:
            follow(described)

    def follow(self, follow: Callable[[dict[str, Any]], None]) -> None:
        """Call this with every event from now on; it must return at once."""
        self._followers.append(follow)

    def events(self) -> list[dict[str, Any]]:
        """What happened."""
        with self._lock:
            return list(self._events)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._events.clear()
