"""What a door decided about a request, put down in the audit as it is decided."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final, Self

from sidecar.access.tokens import MIN_TOKEN_LENGTH
from sidecar.audit.event import AuditEvent, AuditLog, Result
from sidecar.clock import Clock
from sidecar.redaction import MASK

GET_CREDENTIALS: Final = "GetCredentials"
GET_SECRET_VALUE: Final = "secretsmanager:GetSecretValue"  # noqa: S105 - an action
GET_PARAMETER: Final = "ssm:GetParameter"
# What a guard refuses has asked for nothing yet.
CONNECT: Final = "Connect"


@dataclass(slots=True)
class Entry:
    """What is known of one request so far, written as it becomes known; endings put lines down.

    Not a frozen value: of the thousands a second that a door answers, each would be copied four
    times, which took a tenth of the whole answer.
    """

    audit: AuditLog
    clock: Clock
    door: str
    peer: str
    action: str
    resource: str = ""
    app: str = ""
    token_id: str = ""
    shown: str = field(default="", repr=False)

    def showing(self, token: bytes) -> Self:
        """Write which token was shown: it is masked wherever else the caller wrote it."""
        self.shown = token.decode("utf-8", "surrogateescape")
        return self

    def of(self, app: str, token_id: str) -> Self:
        """Write who asks."""
        self.app, self.token_id = app, token_id
        return self

    def about(self, resource: str, action: str = "") -> Self:
        """Write what is asked for, and how where that is known only now."""
        self.resource, self.action = resource, action or self.action
        return self

    def another(self) -> Self:
        """Give an entry of its own for one of several things that a request asks for."""
        return replace(self)

    def granted(self, *, cache: str = "", access_key_id: str = "") -> None:
        """Say that it was given."""
        self._put_down(Result.GRANTED, cache=cache, access_key_id=access_key_id)

    def denied(self, reason: str, *, access_key_id: str = "") -> None:
        """Say that it was refused, and why."""
        self._put_down(Result.DENIED, reason=reason, access_key_id=access_key_id)

    def failed(self, reason: str, *, access_key_id: str = "") -> None:
        """Say that it would have been given, and why it was not."""
        self._put_down(Result.FAILED, reason=reason, access_key_id=access_key_id)

    def _put_down(
        self, result: Result, *, reason: str = "", cache: str = "", access_key_id: str = ""
    ) -> None:
        self.audit.record(
            AuditEvent(
                time=self.clock.now(),
                door=self.door,
                action=self.action,
                result=result,
                resource=self._masked(self.resource),
                app=self.app,
                token_id=self.token_id,
                reason=self._masked(reason),
                cache=cache,
                peer=self.peer,
                access_key_id=access_key_id,
            )
        )

    def _masked(self, text: str) -> str:
        # What is shorter is no token, and would mask letters of the reason.
        is_token = len(self.shown) >= MIN_TOKEN_LENGTH
        return text.replace(self.shown, MASK) if is_token else text


@dataclass(frozen=True, slots=True)
class Ledger:
    """Opens a door's entries.

    Args:
        door: what the door is called.
        audit: where they go.
        clock: the wall clock.

    """

    door: str
    audit: AuditLog
    clock: Clock

    def entry(self, transport: asyncio.BaseTransport | None, action: str) -> Entry:
        """Begin the entry of a request that came over a connection."""
        return Entry(self.audit, self.clock, self.door, _peer(transport), action)


def _peer(transport: asyncio.BaseTransport | None) -> str:
    """Name the other side of a connection; empty when it has gone."""
    peer = None if transport is None else transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return ""
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
