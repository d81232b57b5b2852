"""The secrets door: the HTTP interface of AWS's own agent and Lambda extension, byte for byte.

The order of checks decides which error wins, and clients may rely on it: too many at once,
forwarded, token, method, route. Ours in front of it (Host, browsers) refuse what no client of those
programs sends.
"""

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from sidecar.access.policy import App
from sidecar.access.tokens import AppTokens
from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretValue
from sidecar.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    NotReady,
    SidecarError,
    UpstreamError,
)
from sidecar.secret_cache.answer import Answer
from sidecar.secret_cache.cache import ParameterCache, SecretCache
from sidecar.secret_cache.request import PATH_PREFIX, SecretRequest, parse_target
from sidecar.secret_cache.secret_body import compact_json
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

_PING: Final = "/ping"
# A full door still says that it is alive.
_MORE_PINGS: Final = 2
_SHOWN: Final = 200
_FULL: Final = Refusal(429, "ConnectionLimitExceeded", "Connection limit exceeded")
_BAD_TOKEN: Final = Refusal(403, "BadToken", "Bad Token")


class Readers(Protocol):
    """Who says with whose credentials an app's secrets are read."""

    @property
    def default(self) -> Reader:
        """The reader for whoever names no role."""
        ...

    def find(self, app: App, role_arn: str) -> Reader | None:
        """Give the reader for a role; None if the app may not name it."""
        ...

    def using(self, reader: Reader) -> AbstractContextManager[None]:
        """Keep what a reader needs for as long as the block lasts."""
        ...


@dataclass(frozen=True, slots=True)
class SecretsDoorOptions:
    """What AWS's own agent lets its users choose; the defaults are its own.

    Args:
        path_prefix: what stands before a secret's id in the path form.
        ssrf_headers: where a token may stand, the first header first.
        max_conn: how many requests are answered at the same time.

    """

    path_prefix: str = PATH_PREFIX
    ssrf_headers: tuple[str, ...] = ("X-Aws-Parameters-Secrets-Token", "X-Vault-Token")
    max_conn: int = 800


AS_AWS_DOES: Final = SecretsDoorOptions()


class SecretsDoor:
    """Serves each app the secrets and parameters that it may read.

    Args:
        secrets: where the values of secrets are.
        parameters: where those of parameters are.
        readers: with whose credentials they are read.
        tokens: who is who.
        options: see `SecretsDoorOptions`.

    """

    name = "secrets"
    guards: tuple[Guard, ...] = (not_from_a_browser,)

    def __init__(
        self,
        secrets: SecretCache,
        parameters: ParameterCache,
        readers: Readers,
        tokens: AppTokens,
        options: SecretsDoorOptions = AS_AWS_DOES,
    ) -> None:
        self._secrets = secrets
        self._parameters = parameters
        self._readers = readers
        self._tokens = tokens
        self._options = options
        self._in_flight = 0

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer ``/ping``, and requests for secrets and parameters."""
        ping = request.raw_path.partition("?")[0] == _PING
        self._in_flight += 1
        try:
            if self._in_flight > self._options.max_conn + (_MORE_PINGS if ping else 0):
                return self._turned_away(_FULL)
            return self._ping(request) if ping else await self._answer(request)
        finally:
            self._in_flight -= 1

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no in plain words, as AWS's agent does for what it decides itself."""
        return answer(refusal.status, refusal.message.encode(), PLAIN, headers=refusal.headers)

    def _turned_away(self, refusal: Refusal) -> web.Response:
        """Refuse and close: a body may be under way, which nobody is going to read."""
        response = self.refuse(refusal)
        response.force_close()
        return response

    def _ping(self, request: web.BaseRequest) -> web.Response:
        refusal = first_refusal((only_get, no_body), request)
        return self._turned_away(refusal) if refusal else answer(200, b"healthy", PLAIN)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if refusal := not_forwarded(request):
            return self._turned_away(refusal)
        app = self._app(request)
        if app is None:
            return self._turned_away(_BAD_TOKEN)
        if refusal := first_refusal((only_get, no_body), request):
            return self._turned_away(refusal)
        try:
            found = await self._find(app, request.raw_path)
        except (BadRequest, NotFound) as exc:
            return answer(exc.http_status, exc.message.encode(errors="replace"), PLAIN)
        except SidecarError as exc:
            return _failure(exc)
        told = {"Age": str(found.age_seconds), "X-Sidecar-Cache": found.state}
        return answer(200, found.agent_body, headers=told)

    def _app(self, request: web.BaseRequest) -> App | None:
        """Find the app by the first value of each header, in AWS's order."""
        for header in self._options.ssrf_headers:
            token = request.headers.get(header)
            if token is not None:
                app = self._tokens.app_for(token.encode("utf-8", "surrogateescape"))
                if app is not None:
                    return app
        return None

    async def _find(self, app: App, target: str) -> Answer[Any]:
        asked = parse_target(target, self._options.path_prefix)
        if isinstance(asked, SecretRequest):
            return await self._secret(app, asked)
        return await self._parameter(app, asked)

    async def _secret(self, app: App, asked: SecretRequest) -> Answer[SecretValue]:
        """Get a secret, checking the policy before AWS is asked and after."""
        role_arn, secret_id = asked.role_arn, asked.query.secret_id
        reader = self._reader(app, role_arn)
        if not app.may_name_secret(secret_id):
            raise _denied(app, "secret", secret_id)
        with self._readers.using(reader):
            try:
                found = await self._secrets.get(reader, asked.query, refresh_now=asked.refresh_now)
            except NotReady as exc:
                if role_arn is None:
                    raise
                raise _no_client(role_arn) from exc
        if not app.may_read_secret(found.value.name):
            raise _denied(app, "secret", found.value.name)
        return found

    def _reader(self, app: App, role_arn: str | None) -> Reader:
        if role_arn is None:
            return self._readers.default
        reader = self._readers.find(app, role_arn)
        if reader is None:
            log.warning("app %s was denied role %s", app.name, role_arn[:_SHOWN])
            raise _no_client(role_arn)
        return reader

    async def _parameter(self, app: App, query: ParameterQuery) -> Answer[ParameterValue]:
        """Get a parameter, checking the policy likewise."""
        if not app.may_name_parameter(query.name):
            raise _denied(app, "parameter", query.name)
        found = await self._parameters.get(self._readers.default, query)
        if not app.may_read_parameter(found.value.name, found.value.source_result):
            raise _denied(app, "parameter", found.value.name)
        return found


def _no_client(role_arn: str) -> Forbidden:
    return Forbidden(f"Failed to create caching client from role: {role_arn}")


def _denied(app: App, kind: str, name: str) -> Forbidden:
    # The name is a caller's own text: a log line shows no more than the beginning of it.
    log.warning("app %s was denied %s %s", app.name, kind, ascii(name[:_SHOWN]))
    return Forbidden(f"app {app.name} may not read this {kind}")


def _failure(exc: SidecarError) -> web.Response:
    """Write a failure as AWS's JSON protocol does, with AWS's own status where there is one."""
    if isinstance(exc, Forbidden):
        return _aws_error(exc.http_status, "AccessDeniedException", exc.message)
    if isinstance(exc, UpstreamError) and exc.code:
        return _aws_error(exc.status or exc.http_status, exc.code, exc.message)
    log.warning("the secrets door has no answer: %s", exc.message)
    if isinstance(exc, NotReady) and "AccessDenied" in exc.message:
        return _aws_error(403, "AccessDeniedException", exc.message)
    return _aws_error(500, "InternalFailure", "")


def _aws_error(status: int, code: str, message: str) -> web.Response:
    """Give AWS's error shape; without a message AWS's agent names no code either."""
    body: dict[str, object] = {"__type": code, "message": message}
    return answer(status, compact_json(body if message else {"__type": "InternalFailure"}))
