"""The credentials door: the container credentials protocol that every AWS SDK speaks.

The answers are what all SDKs read alike: exact content type, whole seconds with ``Z``, no unknown
key, never an empty or expired set, no redirect, and no 429, which several SDKs do not retry.
"""

import json
import logging
from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from sidecar.access.policy import App
from sidecar.access.tokens import AppTokens
from sidecar.clock import iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import (
    BadRequest,
    CallerError,
    Forbidden,
    NotFound,
    NotReady,
    SidecarError,
    Unauthenticated,
)
from sidecar.providers.refreshing import RefreshingRole
from sidecar.web.answer import Refusal, answer
from sidecar.web.authorization import token_of
from sidecar.web.guards import Guard, no_body, not_forwarded, not_from_a_browser, only_get

log = logging.getLogger(__name__)

_PATH: Final = "/credentials"
# The tightest SDKs give up after one second; a cold start may take most of it.
_COLD_START_SECONDS: Final = 0.8

_CODES: Final[Mapping[type[SidecarError], str]] = {
    BadRequest: "BadRequest",
    Unauthenticated: "Unauthorized",
    Forbidden: "AccessDenied",
    NotFound: "NotFound",
    NotReady: "CredentialsUnavailable",
}


class CredentialsDoor:
    """Serves each app the credentials of the roles it may have.

    Args:
        roles: the configured roles by name.
        tokens: who is who.

    """

    name = "credentials"
    guards: tuple[Guard, ...] = (not_forwarded, not_from_a_browser, only_get, no_body)

    def __init__(self, roles: Mapping[str, RefreshingRole], tokens: AppTokens) -> None:
        self._roles = roles
        self._tokens = tokens
        self._bodies: dict[str, bytes] = {}
        for name, role in roles.items():
            role.on_change(partial(self._keep, name))

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer ``GET /credentials`` and ``GET /credentials/<role>``."""
        try:
            app = self._app(request)
            role = self._role(app, _requested_role(request.raw_path))
            response = answer(200, await self._body(role))
        except (CallerError, NotReady) as exc:
            response = self.refuse(Refusal(exc.http_status, _CODES[type(exc)], _sentence(exc)))
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

    def _app(self, request: web.BaseRequest) -> App:
        app = self._tokens.app_for(token_of(request))
        if app is None:
            raise Unauthenticated("the token in Authorization belongs to no app")
        return app

    def _role(self, app: App, requested: str | None) -> RefreshingRole:
        if requested is None:
            if not app.roles:
                raise Forbidden(f"app {app.name} may have no role")
            return self._roles[app.roles[0]]
        role = self._roles.get(requested)
        if role is None:
            raise NotFound("there is no such role")
        if not app.may_have_role(requested):
            log.warning("app %s was denied role %s", app.name, requested)
            raise Forbidden(f"app {app.name} may not have role {requested}")
        return role

    async def _body(self, role: RefreshingRole) -> bytes:
        """Return the bytes to send; waits only while the very first session is on its way."""
        if role.name not in self._bodies:
            await role.settled(_COLD_START_SECONDS)
        role.current()  # raises when what we hold has expired
        return self._bodies[role.name]

    def _keep(self, role: str, credentials: Credentials) -> None:
        self._bodies[role] = render(credentials)


def render(credentials: Credentials) -> bytes:
    """Write a set of credentials as every SDK reads it."""
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": iso_seconds(credentials.issued_at),
            "Type": "AWS-HMAC",
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key.reveal(),
            "Token": credentials.session_token.reveal(),
            "Expiration": iso_seconds(credentials.expires_at),
            "RoleArn": credentials.role_arn,
            "AccountId": credentials.account_id,
        }
    ).encode()


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
