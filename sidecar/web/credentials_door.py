"""The credentials door: the container credentials protocol that every AWS SDK speaks.

The answers are what all SDKs read alike: exact content type, whole seconds with ``Z``, no unknown
key, never an empty or expired set, no redirect, and no 429, which several SDKs do not retry.
"""

import json
import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from aiohttp import web

from sidecar.access.callers import Callers
from sidecar.access.decision import Action, decide
from sidecar.access.key_set import NoKeysYet
from sidecar.access.policy import App
from sidecar.access.refused import TokenNotAccepted
from sidecar.credentials import Credentials
from sidecar.errors import (
    BadRequest,
    CallerError,
    Forbidden,
    NotFound,
    NotReady,
    SidecarError,
    TooManyRequests,
)
from sidecar.providers.refreshing import RefreshingRole
from sidecar.web.answer import Refusal, answer
from sidecar.web.app_shares import AppShares
from sidecar.web.authorization import token_of
from sidecar.web.guards import Guard, no_body, not_forwarded, not_from_a_browser, only_get
from sidecar.web.ledger import GET_CREDENTIALS, Entry, Ledger
from sidecar.web.session_members import session_members
from sidecar.web.sessions import Sessions

log = logging.getLogger(__name__)

_PATH: Final = "/credentials"
# The tightest SDKs give up after one second; a cold start may take most of it.
_COLD_START_SECONDS: Final = 0.8
# Far more requests than ever wait for a first session; nothing else waits here.
PLACES: Final = 800

_CODES: Final[Mapping[type[SidecarError], str]] = {
    BadRequest: "BadRequest",
    Forbidden: "AccessDenied",
    NotFound: "NotFound",
    NotReady: "CredentialsUnavailable",
    TooManyRequests: "TooManyRequests",
}
# The same whatever is wrong: why a token does not count is the audit's to tell.
_UNKNOWN: Final = Refusal(
    401, "Unauthorized", "the app's token is wanted once in Authorization, and must count"
)
_KEYS_AWAITED: Final = Refusal(
    503, "CredentialsUnavailable", "the issuer's keys are not there yet; ask again in a second"
)


class CredentialsDoor:
    """Serves each app the credentials of the roles it may have.

    Args:
        sessions: every app's session of each of its roles.
        callers: who is who.
        ledger: where decisions are put down.
        places: how many requests are worked on at the same time, over all apps.

    """

    name = "credentials"
    guards: tuple[Guard, ...] = (not_forwarded, not_from_a_browser, only_get, no_body)

    def __init__(
        self, sessions: Sessions, callers: Callers, ledger: Ledger, *, places: int = PLACES
    ) -> None:
        self._sessions = sessions
        self._callers = callers
        self._ledger = ledger
        self._shares = AppShares(places, lambda: len(callers.apps))
        # Of each session the set that is served, and its bytes.
        self._bodies: WeakKeyDictionary[RefreshingRole, tuple[Credentials, bytes]] = (
            WeakKeyDictionary()
        )

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer ``GET /credentials`` and ``GET /credentials/<role>``."""
        entry = self._ledger.entry(request.transport, GET_CREDENTIALS)
        try:
            token = token_of(request)
            entry.showing(token)
            caller = await self._callers.identify(token)
            entry.of(caller.app.name, caller.token_id)
            with self._shares.one_of(caller.app.name):
                response = await self._answer(caller.app, request.raw_path, entry)
        except TokenNotAccepted as exc:
            entry.of(exc.app, exc.token_id).denied(exc.reason)
            response = self.refuse(_KEYS_AWAITED if isinstance(exc, NoKeysYet) else _UNKNOWN)
        except TooManyRequests as exc:
            # Several SDKs do not ask again after a 429.
            entry.denied(exc.message)
            response = self.refuse(Refusal(503, _CODES[TooManyRequests], _sentence(exc)))
        # As the real metadata services do: some SDKs do not retry on a connection that the server
        # closed while it was idle.
        response.force_close()
        return response

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no with the four keys that cover every SDK's idea of an error body."""
        body = {
            "code": refusal.code,
            "message": refusal.message,
            "Code": refusal.code,
            "Message": refusal.message,
        }
        return answer(refusal.status, json.dumps(body).encode(), headers=refusal.headers)

    async def _answer(self, app: App, target: str, entry: Entry) -> web.Response:
        try:
            name = _requested_role(target) or _default_role(app)
            entry.about(name)
            session = self._session(app, name)
            credentials, body = await self._body(session)
        except CallerError as exc:
            entry.denied(exc.reason if isinstance(exc, Forbidden) else exc.message)
            return self.refuse(Refusal(exc.http_status, _CODES[type(exc)], _sentence(exc)))
        except NotReady as exc:
            entry.failed(exc.message)
            return self.refuse(Refusal(exc.http_status, _CODES[NotReady], _sentence(exc)))
        entry.granted(access_key_id=credentials.access_key_id)
        return answer(200, body)

    def _session(self, app: App, name: str) -> RefreshingRole:
        if not self._sessions.knows(name):
            raise NotFound("there is no such role")
        decision = decide(app, Action.GET_CREDENTIALS, name)
        if not decision.allowed:
            log.warning("app %s was denied role %s", app.name, name)
            message = f"app {app.name} may not have role {name}"
            raise Forbidden(message, reason=decision.reason)
        return self._sessions.of(app, name)

    async def _body(self, session: RefreshingRole) -> tuple[Credentials, bytes]:
        """Return the bytes to send; waits only while the very first session is on its way."""
        if session not in self._bodies:
            await session.settled(_COLD_START_SECONDS)
        current = session.current()  # raises when what we hold has expired
        held = self._bodies.get(session)
        if held is None or held[0] is not current:
            held = self._bodies[session] = (current, render(current))
        return held


def _default_role(app: App) -> str:
    if not app.roles:
        raise Forbidden(f"app {app.name} may have no role")
    return app.roles[0]


def render(credentials: Credentials) -> bytes:
    """Write a set of credentials as every SDK reads it."""
    members = session_members(credentials)
    about = {"RoleArn": credentials.role_arn, "AccountId": credentials.account_id}
    return json.dumps(members | about).encode()


def _requested_role(target: str) -> str | None:
    """Read the role's name out of the request target; None stands for the app's default.

    One slash at the end and several at the beginning are tolerated, since endpoints are written
    with and without them and an SDK would not follow a redirect. A query is refused: it means
    nothing here, and somebody believes it does.

    Raises:
        NotFound: no route of this door.
        BadRequest: a query string.

    """
    path, question_mark, _ = target.partition("?")
    if question_mark:
        raise BadRequest("this door takes no query string")
    path = "/" + path.lstrip("/").removesuffix("/")
    if path == _PATH:
        return None
    name = path.removeprefix(_PATH + "/")
    if name == path or not name or "/" in name:
        raise NotFound("there is nothing at this path")
    return unquote(name)


def _sentence(exc: SidecarError) -> str:
    return f"{exc.message} ({exc.hint})" if exc.hint else exc.message
