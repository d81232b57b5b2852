"""What a door decided about a request, put down in the audit as it is decided."""

from dataclasses import dataclass, field, replace
from typing import Final, Self

from aiohttp import web

from sidecar.access.tokens import MIN_TOKEN_LENGTH
from sidecar.audit.event import AuditEvent, AuditLog, Result
from sidecar.clock import Clock
from sidecar.redaction import MASK

GET_CREDENTIALS: Final = "GetCredentials"
GET_SECRET_VALUE: Final = "secretsmanager:GetSecretValue"  # noqa: S105 - an action
GET_PARAMETER: Final = "ssm:GetParameter"
# What a guard refuses has asked for nothing yet.
CONNECT: Final = "Connect"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a request so far; each ending puts one line down."""

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
        """Say which token was shown: it is masked wherever else the caller wrote it."""
        return replace(self, shown=token.decode("utf-8", "surrogateescape"))

    def of(self, app: str, token_id: str) -> Self:
        """Say who asks."""
        return replace(self, app=app, token_id=token_id)

    def about(self, resource: str, action: str = "") -> Self:
        """Say what is asked for, and how where that is known only now."""
        return replace(self, resource=resource, action=action or self.action)

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

    def entry(self, request: web.BaseRequest, action: str) -> Entry:
        """Begin the entry of a request."""
        return Entry(self.audit, self.clock, self.door, _peer(request), action)


def _peer(request: web.BaseRequest) -> str:
    """Name the other side of a request's connection; empty when it has gone."""
    transport = request.transport
    peer = None if transport is None else transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return ""
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
