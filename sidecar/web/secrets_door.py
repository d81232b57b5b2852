"""The secrets door: the HTTP interface of AWS's own agent and Lambda extension, byte for byte.

The order of checks decides which error wins, and clients may rely on it: too many at once,
forwarded, token, method, route. Ours in front of it (Host, browsers) refuse what no client of those
programs sends.
"""

import logging
from collections.abc import Awaitable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from sidecar.access.callers import Callers
from sidecar.access.decision import Action, decide
from sidecar.access.key_set import NoKeysYet
from sidecar.access.policy import App
from sidecar.access.refused import TokenNotAccepted
from sidecar.aws.asker import asking_for
from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.reader import Reader
from sidecar.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    NotReady,
    SidecarError,
    TooManyRequests,
    UpstreamError,
)
from sidecar.redaction import Secret
from sidecar.secret_cache.answer import Answer
from sidecar.secret_cache.cache import ParameterCache, SecretCache
from sidecar.secret_cache.request import PATH_PREFIX, SecretRequest, parse_target
from sidecar.secret_cache.secret_body import compact_json
from sidecar.web.answer import PLAIN, Refusal, answer
from sidecar.web.app_shares import AppShares
from sidecar.web.guards import (
    Guard,
    first_refusal,
    no_body,
    not_forwarded,
    not_from_a_browser,
    only_get,
)
from sidecar.web.ledger import CONNECT, GET_PARAMETER, GET_SECRET_VALUE, Entry, Ledger

log = logging.getLogger(__name__)

_PING: Final = "/ping"
_SHOWN: Final = 200
_FULL: Final = Refusal(429, "ConnectionLimitExceeded", "Connection limit exceeded")
_BAD_TOKEN: Final = Refusal(403, "BadToken", "Bad Token")
_KEYS_AWAITED: Final = Refusal(503, "NotReady", "the issuer's keys are not there yet")


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
        max_conn: how many requests are answered at the same time, over all apps.

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
        callers: who is who.
        ledger: where decisions are put down.
        options: see `SecretsDoorOptions`.

    """

    name = "secrets"
    guards: tuple[Guard, ...] = (not_from_a_browser,)

    def __init__(
        self,
        secrets: SecretCache,
        parameters: ParameterCache,
        readers: Readers,
        callers: Callers,
        ledger: Ledger,
        *,
        options: SecretsDoorOptions = AS_AWS_DOES,
    ) -> None:
        self._secrets = secrets
        self._parameters = parameters
        self._readers = readers
        self._callers = callers
        self._ledger = ledger
        self._options = options
        self._shares = AppShares(options.max_conn, lambda: len(callers.apps))

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer ``/ping``, and requests for secrets and parameters."""
        if request.raw_path.partition("?")[0] == _PING:
            # What is answered at once takes no place; a full door still says that it is alive.
            return self._ping(request)
        if self._shares.full():
            return self._denied(self._ledger.entry(request.transport, CONNECT), _FULL)
        return await self._answer(request)

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
        entry = self._ledger.entry(request.transport, CONNECT)
        if refusal := not_forwarded(request):
            return self._denied(entry, refusal)
        try:
            token = self._token(request)
            entry.showing(token)
            caller = await self._callers.identify(token)
        except TokenNotAccepted as exc:
            entry.of(exc.app, exc.token_id).denied(exc.reason)
            return self._turned_away(_KEYS_AWAITED if isinstance(exc, NoKeysYet) else _BAD_TOKEN)
        entry.of(caller.app.name, caller.token_id)
        try:
            with self._shares.one_of(caller.app.name), asking_for(caller.app.name):
                return await self._answer_app(request, caller.app, entry)
        except TooManyRequests as exc:
            entry.denied(exc.message)
            return self._turned_away(_FULL)

    async def _answer_app(self, request: web.BaseRequest, app: App, entry: Entry) -> web.Response:
        if refusal := first_refusal((only_get, no_body), request):
            return self._denied(entry, refusal)
        try:
            asked = parse_target(request.raw_path, self._options.path_prefix)
        except (BadRequest, NotFound) as exc:
            entry.denied(exc.message)
            return answer(exc.http_status, exc.message.encode(errors="replace"), PLAIN)
        if isinstance(asked, SecretRequest):
            entry.about(asked.query.secret_id, GET_SECRET_VALUE)
            reading = self._secret(app, asked)
        else:
            entry.about(asked.name, GET_PARAMETER)
            reading = self._parameter(app, asked)
        return await _read(reading, entry)

    def _denied(self, entry: Entry, refusal: Refusal) -> web.Response:
        entry.denied(refusal.message)
        return self._turned_away(refusal)

    def _token(self, request: web.BaseRequest) -> bytes:
        """Find the one token that is shown; each header may have it, and none another.

        Raises:
            TokenNotAccepted: there is none, or there are several.

        """
        given = [request.headers.getall(name, []) for name in self._options.ssrf_headers]
        tokens = {token for values in given for token in values}
        if not tokens:
            raise TokenNotAccepted("no token header")
        if len(tokens) > 1 or any(len(values) > 1 for values in given):
            raise TokenNotAccepted("more than one token")
        return tokens.pop().encode("utf-8", "surrogateescape")

    async def _secret(self, app: App, asked: SecretRequest) -> Answer[Any]:
        """Get a secret, checking the policy before AWS is asked and after."""
        role_arn, secret_id = asked.role_arn, asked.query.secret_id
        reader = self._reader(app, role_arn)
        _check(app, Action.NAME_SECRET, secret_id)
        with self._readers.using(reader):
            try:
                found = await self._secrets.get(reader, asked.query, refresh_now=asked.refresh_now)
            except NotReady as exc:
                if role_arn is None:
                    raise
                raise _no_client(role_arn) from exc
        _check(app, Action.READ_SECRET, found.value.name)
        return found

    def _reader(self, app: App, role_arn: str | None) -> Reader:
        if role_arn is None:
            return self._readers.default
        reader = self._readers.find(app, role_arn)
        if reader is None:
            log.warning("app %s was denied role %s", app.name, role_arn[:_SHOWN])
            raise _no_client(role_arn, decide(app, Action.ASSUME_ROLE, role_arn).reason)
        return reader

    async def _parameter(self, app: App, query: ParameterQuery) -> Answer[Any]:
        """Get a parameter, checking the policy likewise."""
        _check(app, Action.NAME_PARAMETER, query.name)
        found = await self._parameters.get(self._readers.default, query)
        _check(app, Action.READ_PARAMETER, found.value.name, found.value.source_result)
        return found


async def _read(reading: Awaitable[Answer[Any]], entry: Entry) -> web.Response:
    """Wait for a value, and say how it ended to the caller and to the audit."""
    try:
        found = await reading
    except Forbidden as exc:
        entry.denied(exc.reason)
        return _failure(exc)
    except SidecarError as exc:
        entry.failed(exc.message)
        return _failure(exc)
    # The real name: what was asked for may have been an ARN, or a part of one.
    entry.about(found.value.name).granted(cache=found.state)
    told = {"Age": str(found.age_seconds), "X-Sidecar-Cache": found.state}
    return answer(200, found.agent_body, headers=told)


def _no_client(role_arn: str, reason: str = "") -> Forbidden:
    message = f"Failed to create caching client from role: {role_arn}"
    return Forbidden(message, reason=reason)


def _check(app: App, action: Action, name: str, source_result: Secret | None = None) -> None:
    """Refuse what the policy does not allow.

    Raises:
        Forbidden: with a sentence for the app, and the reason for the audit.

    """
    decision = decide(app, action, name, source_result)
    if decision.allowed:
        return
    kind = "secret" if action in (Action.NAME_SECRET, Action.READ_SECRET) else "parameter"
    # The name is a caller's own text: a log line shows no more than the beginning of it.
    log.warning("app %s was denied %s %s", app.name, kind, ascii(name[:_SHOWN]))
    raise Forbidden(f"app {app.name} may not read this {kind}", reason=decision.reason)


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
