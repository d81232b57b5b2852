"""The metadata door: IMDSv2, for programs that find credentials nowhere else.

It cannot tell callers apart: whoever can reach it gets the roles of one app, and a session token
proves no more than that the caller can send a PUT. That keeps out requests that an application was
talked into sending; so the door is off unless somebody asks for it, and is never IMDSv1.
"""

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Final

from aiohttp import web

from sidecar.access.imds_token import (
    NONCE_BYTES,
    ImdsTokenRefused,
    issue,
    read_ttl,
    remaining_seconds,
)
from sidecar.audit.event import AuditEvent, AuditLog, NoAudit, Result
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import NotReady
from sidecar.providers.refreshing import RefreshingRole
from sidecar.web.answer import PLAIN, Refusal, answer
from sidecar.web.guards import Guard, no_body, not_forwarded, not_from_a_browser
from sidecar.web.metadata_paths import (
    INFO_PATH,
    TOKEN_PATH,
    InstanceFacts,
    RolePath,
    SessionAnswers,
    canonical_path,
    fixed_answers,
    role_path,
)

TOKEN_HEADER: Final = "X-aws-ec2-metadata-token"  # noqa: S105 - a header's name
TTL_HEADER: Final = "X-aws-ec2-metadata-token-ttl-seconds"

_KEY_BYTES: Final = 32
_NOBODY: Final = NoAudit()
# As at the credentials door: the tightest SDKs give up after one second.
_COLD_START_SECONDS: Final = 0.8
_SHOWN: Final = 200
_NOTHING_HERE: Final = Refusal(404, "NotFound", "there is nothing at this path")
_NO_SUCH_ROLE: Final = Refusal(404, "NotFound", "there is no such role")
_NO_QUERY: Final = Refusal(400, "BadRequest", "this door takes no query string")
_NO_SESSION: Final = Refusal(503, "CredentialsUnavailable", "there is no valid session")
_UNAUTHORIZED: Final = Refusal(401, "Unauthorized", "a valid IMDSv2 token is required")


def sent_from_here(request: web.BaseRequest) -> Refusal | None:
    """Refuse what came through a proxy, with the status that IMDS has for it on a PUT."""
    if refusal := not_forwarded(request):
        return Refusal(403, refusal.code, refusal.message)
    return None


def method_of_the_path(request: web.BaseRequest) -> Refusal | None:
    """Refuse all but PUT where tokens are made, and all but GET elsewhere."""
    method = "PUT" if canonical_path(request.raw_path) == TOKEN_PATH else "GET"
    if request.method != method:
        return Refusal(405, "MethodNotAllowed", "Not allowed", {"Allow": method})
    return None


def nothing_sent(request: web.BaseRequest) -> Refusal | None:
    """Refuse a body; a PUT that states an empty one has none."""
    return Refusal(400, "BodyNotAllowed", "send no body") if no_body(request) else None


class MetadataDoor:
    """Serves one app's roles as an EC2 instance's metadata service would.

    Args:
        app: the app whose roles these are.
        roles: its roles by name, the default one first.
        facts: what is said of the machine.
        clock: the clock.
        audit: who is told of grants and denials.

    """

    name = "metadata"
    guards: tuple[Guard, ...] = (
        sent_from_here,
        not_from_a_browser,
        method_of_the_path,
        nothing_sent,
    )

    def __init__(
        self,
        app: str,
        roles: Mapping[str, RefreshingRole],
        facts: InstanceFacts,
        clock: Clock,
        audit: AuditLog = _NOBODY,
    ) -> None:
        self.app = app
        self.roles = roles
        self._default = next(iter(roles))
        self._fixed = fixed_answers(facts, self._default)
        self._clock = clock
        self._audit = audit
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._sessions: dict[str, SessionAnswers] = {}
        for name, role in roles.items():
            role.on_change(partial(self._keep, name))

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer ``PUT /latest/api/token``, and GETs that carry a token."""
        if request.method == "PUT":
            response = self._new_token(request)
        else:
            response = await self._authenticated(request)
        # As IMDS does: some SDKs do not retry on a connection that the server closed while idle.
        response.force_close()
        return response

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no in plain words: SDKs look at the status only."""
        return answer(refusal.status, refusal.message.encode(), PLAIN, headers=refusal.headers)

    def _new_token(self, request: web.BaseRequest) -> web.Response:
        wanted = request.headers.getall(TTL_HEADER, [])
        try:
            ttl = read_ttl(wanted[0] if len(wanted) == 1 else "")
        except ImdsTokenRefused as exc:
            return self.refuse(Refusal(400, "BadRequest", str(exc)))
        nonce = secrets.token_bytes(NONCE_BYTES)
        token = issue(self._key, nonce, ttl, self._clock.elapsed())
        return answer(200, token.encode(), PLAIN, headers={TTL_HEADER: str(ttl)})

    async def _authenticated(self, request: web.BaseRequest) -> web.Response:
        """Check the token, answer, and say for how long the token is still good."""
        try:
            left = remaining_seconds(self._key, _token(request), self._clock.elapsed())
        except ImdsTokenRefused as exc:
            self._note_denial(request, str(exc))
            return self.refuse(_UNAUTHORIZED)
        found = await self._find(request)
        response = self.refuse(found) if isinstance(found, Refusal) else answer(200, found, PLAIN)
        response.headers[TTL_HEADER] = str(left)
        return response

    async def _find(self, request: web.BaseRequest) -> bytes | Refusal:
        path = canonical_path(request.raw_path)
        if path is None:
            return _NO_QUERY
        if path in self._fixed:
            return self._fixed[path]
        if path == INFO_PATH:
            held = await self._session(self._default)
            return _NO_SESSION if isinstance(held, NotReady) else held.info
        wanted = role_path(path)
        return _NOTHING_HERE if wanted is None else await self._credentials(request, wanted)

    async def _credentials(self, request: web.BaseRequest, wanted: RolePath) -> bytes | Refusal:
        if wanted.role not in self.roles:
            self._note_denial(request, "the app has no such role")
            return _NO_SUCH_ROLE
        held = await self._session(wanted.role)
        if isinstance(held, NotReady):
            self._note(request, Result.FAILED, wanted.role, reason=held.message)
            return _NO_SESSION
        self._note(request, Result.GRANTED, wanted.role, access_key_id=held.access_key_id)
        return held.extended if wanted.extended else held.plain

    async def _session(self, name: str) -> SessionAnswers | NotReady:
        """Give what a role's session is written as; waits only for the very first one."""
        role = self.roles[name]
        if name not in self._sessions:
            await role.settled(_COLD_START_SECONDS)
        try:
            role.current()  # raises when what we hold has expired
        except NotReady as exc:
            return exc
        return self._sessions[name]

    def _keep(self, role: str, credentials: Credentials) -> None:
        self._sessions[role] = SessionAnswers.of(credentials)

    def _note_denial(self, request: web.BaseRequest, reason: str) -> None:
        wanted = role_path(canonical_path(request.raw_path) or "")
        # A caller's own text: no more than the beginning of it.
        resource = wanted.role if wanted else request.raw_path
        self._note(request, Result.DENIED, ascii(resource[:_SHOWN])[1:-1], reason=reason)

    def _note(
        self,
        request: web.BaseRequest,
        result: Result,
        resource: str,
        *,
        reason: str = "",
        access_key_id: str = "",
    ) -> None:
        path = canonical_path(request.raw_path) or ""
        event = AuditEvent(
            time=self._clock.now(),
            door=self.name,
            action="GetCredentials" if role_path(path) else "GetMetadata",
            result=result,
            resource=resource,
            app=self.app,
            reason=reason,
            peer=_peer(request),
            access_key_id=access_key_id,
        )
        self._audit.record(event)


def _token(request: web.BaseRequest) -> str:
    given = request.headers.getall(TOKEN_HEADER, [])
    if len(given) != 1:
        raise ImdsTokenRefused("there is no token" if not given else "there are several tokens")
    return given[0]


def _peer(request: web.BaseRequest) -> str:
    """Write the other side's address and port."""
    found = request.transport.get_extra_info("peername") if request.transport else None
    if not found:
        return ""
    host, port = found[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
