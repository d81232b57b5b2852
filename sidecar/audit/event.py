"""One decision of a door: who asked, for what, and how it ended; never a value or a token."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Result(StrEnum):
    """How a request ended."""

    GRANTED = "granted"
    DENIED = "denied"
    # Allowed, and yet nothing was given: AWS said no or did not answer.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What is put down of one decision; what is not known is empty.

    Args:
        time: when it was made.
        door: which door made it.
        action: what was asked for, such as ``GetCredentials`` or ``secretsmanager:GetSecretValue``.
        result: how it ended.
        resource: the role, secret or parameter; a caller's own text where none was found.
        app: who asked, by the name in the configuration.
        token_id: which of its tokens: a JWT's ``jti``, or what stands for a token without one.
        reason: why it was denied or failed.
        cache: ``hit``, ``miss`` or ``stale``.
        peer: the other side's address and port.
        access_key_id: of the session that was given or that signed; CloudTrail has it too.

    """

    time: datetime
    door: str
    action: str
    result: Result
    resource: str = ""
    app: str = ""
    token_id: str = ""
    reason: str = ""
    cache: str = ""
    peer: str = ""
    access_key_id: str = ""


class AuditLog(Protocol):
    """Where events go; `record` returns at once, whatever becomes of them."""

    def record(self, event: AuditEvent) -> None:
        """Take an event in."""
        ...


class NoAudit:
    """Keeps nothing."""

    def record(self, event: AuditEvent) -> None:
        """Let the event go."""
