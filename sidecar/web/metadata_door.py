"""The metadata door: IMDSv2, for programs that find credentials nowhere else.

It cannot tell callers apart: whoever can reach it gets the roles of one app, and a session token
proves no more than that the caller can send a PUT. That keeps out requests that an application was
talked into sending; so the door is off unless somebody asks for it, and is never IMDSv1.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Final
from weakref import WeakKeyDictionary

from aiohttp import web

from sidecar.access.decision import Action, decide
from sidecar.access.imds_token import (
    NONCE_BYTES,
    ImdsTokenRefused,
    issue,
    read_ttl,
    remaining_seconds,
)
from sidecar.access.policy import App
from sidecar.credentials import Credentials
from sidecar.errors import NotReady
from sidecar.providers.refreshing import RefreshingRole
from sidecar.web.answer import PLAIN, Refusal, answer
from sidecar.web.guards import Guard, no_body, not_forwarded, not_from_a_browser
from sidecar.web.ledger import GET_CREDENTIALS, Entry, Ledger
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
from sidecar.web.sessions import Sessions

TOKEN_HEADER: Final = "X-aws-ec2-metadata-token"  # noqa: S105 - a header's name
TTL_HEADER: Final = "X-aws-ec2-metadata-token-ttl-seconds"

_GET_METADATA: Final = "GetMetadata"
_KEY_BYTES: Final = 32
# As at the credentials door: the tightest SDKs give up after one second.
_COLD_START_SECONDS: Final = 0.8
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
        app: gives the app whose roles are served; None when it is configured no more.
        sessions: every app's session of each of its roles.
        facts: what is said of the machine to an app.
        ledger: where grants and denials are put down.

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
        app: Callable[[], App | None],
        sessions: Sessions,
        facts: Callable[[App], InstanceFacts],
        ledger: Ledger,
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._facts = facts
        self._ledger = ledger
        self._clock = ledger.clock
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._fixed: tuple[App, Mapping[str, bytes]] | None = None
        # Of each session the set that is served, and what it is written as.
        self._written: WeakKeyDictionary[RefreshingRole, tuple[Credentials, SessionAnswers]] = (
            WeakKeyDictionary()
        )

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
        entry = self._entry(request)
        try:
            left = remaining_seconds(self._key, _token(request), self._clock.elapsed())
        except ImdsTokenRefused as exc:
            entry.denied(str(exc))
            return self.refuse(_UNAUTHORIZED)
        found = await self._find(canonical_path(request.raw_path), entry)
        response = self.refuse(found) if isinstance(found, Refusal) else answer(200, found, PLAIN)
        response.headers[TTL_HEADER] = str(left)
        return response

    def _entry(self, request: web.BaseRequest) -> Entry:
        wanted = role_path(canonical_path(request.raw_path) or "")
        entry = self._ledger.entry(request.transport, GET_CREDENTIALS if wanted else _GET_METADATA)
        given = request.headers.get(TOKEN_HEADER, "").encode("utf-8", "surrogateescape")
        return entry.about(wanted.role if wanted else request.raw_path).showing(given)

    async def _find(self, path: str | None, entry: Entry) -> bytes | Refusal:
        if path is None:
            return _NO_QUERY
        app = self._app()
        if app is None or not app.roles:
            return _NOTHING_HERE
        fixed = self._fixed_answers(app)
        if path in fixed:
            return fixed[path]
        if path == INFO_PATH:
            held = await self._session(app, app.roles[0])
            return _NO_SESSION if isinstance(held, NotReady) else held[1].info
        wanted = role_path(path)
        return (
            _NOTHING_HERE
            if wanted is None
            else await self._credentials(app, wanted, entry.of(app.name, ""))
        )

    def _fixed_answers(self, app: App) -> Mapping[str, bytes]:
        """Give what does not change while the app is configured as it is."""
        if self._fixed is None or self._fixed[0] is not app:
            self._fixed = (app, fixed_answers(self._facts(app), app.roles[0]))
        return self._fixed[1]

    async def _credentials(self, app: App, wanted: RolePath, entry: Entry) -> bytes | Refusal:
        decision = decide(app, Action.GET_CREDENTIALS, wanted.role)
        if not decision.allowed:
            entry.denied(decision.reason)
            return _NO_SUCH_ROLE
        held = await self._session(app, wanted.role)
        if isinstance(held, NotReady):
            entry.failed(held.message)
            return _NO_SESSION
        credentials, answers = held
        entry.granted(access_key_id=credentials.access_key_id)
        return answers.extended if wanted.extended else answers.plain

    async def _session(self, app: App, name: str) -> tuple[Credentials, SessionAnswers] | NotReady:
        """Give what a role's session is written as; waits only for the very first one."""
        try:
            session = self._sessions.of(app, name)
            if session not in self._written:
                await session.settled(_COLD_START_SECONDS)
            current = session.current()  # raises when what we hold has expired
        except NotReady as exc:
            return exc
        held = self._written.get(session)
        if held is None or held[0] is not current:
            held = self._written[session] = (current, SessionAnswers.of(current))
        return held


def _token(request: web.BaseRequest) -> str:
    given = request.headers.getall(TOKEN_HEADER, [])
    if len(given) != 1:
        raise ImdsTokenRefused("there is no token" if not given else "there are several tokens")
    return given[0]
