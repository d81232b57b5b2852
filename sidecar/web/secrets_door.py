"""The secrets door: the HTTP interface of AWS's own agent, byte for byte.

The order of checks decides which error wins, and clients may rely on it: forwarded, token, method,
route. Ours in front of it (Host, browsers) refuse what no client of that agent sends.
"""

import json
import logging
from typing import Final

from aiohttp import web

from sidecar.access.policy import App
from sidecar.access.tokens import AppTokens
from sidecar.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    SidecarError,
    UpstreamError,
)
from sidecar.secret_cache.cache import Entry, SecretCache
from sidecar.secret_cache.request import SecretRequest, parse_target
from sidecar.web.answer import PLAIN, Refusal, answer
from sidecar.web.guards import (
    Guard,
    first_refusal,
    no_body,
    not_forwarded,
    not_from_a_browser,
    only_get,
)

log = logging.getLogger(__name__)

TOKEN_HEADERS: Final = ("X-Aws-Parameters-Secrets-Token", "X-Vault-Token")

_PING: Final = "/ping"
_SHOWN: Final = 200
_BAD_TOKEN: Final = Refusal(403, "BadToken", "Bad Token")


class SecretsDoor:
    """Serves each app the secrets that it may read.

    Args:
        cache: where the values are.
        tokens: who is who.

    """

    name = "secrets"
    guards: tuple[Guard, ...] = (not_from_a_browser,)

    def __init__(self, cache: SecretCache, tokens: AppTokens) -> None:
        self._cache = cache
        self._tokens = tokens

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer ``/ping``, ``/secretsmanager/get`` and ``/v1/<id>``."""
        if request.raw_path.partition("?")[0] == _PING:
            refusal = first_refusal((only_get, no_body), request)
            return self._turned_away(refusal) if refusal else answer(200, b"healthy", PLAIN)
        if refusal := not_forwarded(request):
            return self._turned_away(refusal)
        app = self._app(request)
        if app is None:
            return self._turned_away(_BAD_TOKEN)
        if refusal := first_refusal((only_get, no_body), request):
            return self._turned_away(refusal)
        return await self._secret(app, request.raw_path)

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no in plain words, as AWS's agent does for what it decides itself."""
        return answer(refusal.status, refusal.message.encode(), PLAIN, headers=refusal.headers)

    def _turned_away(self, refusal: Refusal) -> web.Response:
        """Refuse and close: a body may be under way, which nobody is going to read."""
        response = self.refuse(refusal)
        response.force_close()
        return response

    def _app(self, request: web.BaseRequest) -> App | None:
        """Find the app by the first value of either header, in AWS's order."""
        for header in TOKEN_HEADERS:
            token = request.headers.get(header)
            if token is not None:
                app = self._tokens.app_for(token.encode("utf-8", "surrogateescape"))
                if app is not None:
                    return app
        return None

    async def _secret(self, app: App, target: str) -> web.Response:
        try:
            request = parse_target(target)
            entry = await self._entry(app, request)
        except (BadRequest, NotFound) as exc:
            return answer(exc.http_status, exc.message.encode(), PLAIN)
        except SidecarError as exc:
            return _failure(exc)
        return answer(200, entry.body)

    async def _entry(self, app: App, request: SecretRequest) -> Entry:
        """Get what was asked for, checking the policy before AWS is asked and after."""
        if request.role_arn is not None:
            raise Forbidden(f"Failed to create caching client from role: {request.role_arn}")
        secret_id = request.query.secret_id
        if not app.may_name_secret(secret_id):
            raise _denied(app, secret_id)
        entry = await self._cache.get(request)
        if not app.may_read_secret(entry.name):
            raise _denied(app, entry.name)
        return entry


def _denied(app: App, secret_id: str) -> Forbidden:
    # The id is a caller's own text: a log line shows no more than the beginning of it.
    log.warning("app %s was denied secret %s", app.name, ascii(secret_id[:_SHOWN]))
    return Forbidden(f"app {app.name} may not read this secret")


def _failure(exc: SidecarError) -> web.Response:
    """Write a failure as AWS's JSON protocol does, with AWS's own status where there is one."""
    if isinstance(exc, Forbidden):
        return _aws_error(exc.http_status, "AccessDeniedException", exc.message)
    if isinstance(exc, UpstreamError) and exc.code:
        return _aws_error(exc.status or exc.http_status, exc.code, exc.message)
    log.warning("the secrets door has no answer: %s", exc.message)
    return _aws_error(500, "InternalFailure", "")


def _aws_error(status: int, code: str, message: str) -> web.Response:
    """Give AWS's error shape; without a message AWS's agent names no code either."""
    body = {"__type": code, "message": message} if message else {"__type": "InternalFailure"}
    return answer(status, json.dumps(body, separators=(",", ":")).encode())
