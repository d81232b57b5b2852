"""The admin door: is the process alive, is it ready, what has changed; never a secret value."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from sidecar.access.tokens import AppTokens
from sidecar.web import invalidate_route
from sidecar.web.answer import PLAIN, Refusal, answer
from sidecar.web.authorization import token_wanted
from sidecar.web.guards import Guard, no_body, not_forwarded, not_from_a_browser
from sidecar.web.invalidate_route import InvalidateRoute

_HEALTHZ: Final = "/healthz"
_READYZ: Final = "/readyz"
# What a container's own health check asks, which has no token.
_PROBES: Final = frozenset({_HEALTHZ, _READYZ})

# The thing that something is said about, and what: why it is waited for, or what to look after.
Remarks = Callable[[], Mapping[str, str]]


class AdminDoor:
    """Answers probes, and takes word of changes.

    Args:
        pending: gives what is still waited for; ready means nothing.
        warnings: gives what works still, and will not for ever.
        invalidate: takes word of changes.
        tokens: who is let in; None lets everybody in, which is for loopback only.

    """

    name = "admin"

    def __init__(
        self,
        pending: Remarks,
        warnings: Remarks = dict,
        invalidate: InvalidateRoute | None = None,
        tokens: AppTokens | None = None,
    ) -> None:
        self.guards: tuple[Guard, ...] = (not_forwarded, not_from_a_browser)
        if tokens is not None:
            self.guards += (token_wanted(tokens, open_on_loopback=_PROBES),)
        self._pending = pending
        self._warnings = warnings
        self._invalidate = invalidate

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer ``/healthz``, ``/readyz`` and ``/invalidate``."""
        path, _, query = request.raw_path.partition("?")
        match path:
            case _ if path in _PROBES:
                method = "GET"
            case invalidate_route.PATH if self._invalidate is not None:
                method = "POST"
            case _ if request.method not in ("GET", "POST"):
                refusal = Refusal(405, "MethodNotAllowed", "Not allowed", {"Allow": "GET, POST"})
                return self._turned_away(refusal)
            case _:
                return self._turned_away(Refusal(404, "NotFound", "there is nothing at this path"))
        if request.method != method:
            refusal = Refusal(405, "MethodNotAllowed", "Not allowed", {"Allow": method})
            return self._turned_away(refusal)
        if no_body(request):
            return self._turned_away(Refusal(400, "BodyNotAllowed", "send no body"))
        return self._answer(path, query)

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no in JSON."""
        body = {"code": refusal.code, "message": refusal.message}
        return answer(refusal.status, json.dumps(body).encode(), headers=refusal.headers)

    def _answer(self, path: str, query: str) -> web.Response:
        if path == _HEALTHZ:
            return answer(200, b"ok\n", PLAIN)
        if path == _READYZ or self._invalidate is None:
            return self._readiness()
        told = self._invalidate.handle(query)
        return self.refuse(told) if isinstance(told, Refusal) else told

    def _turned_away(self, refusal: Refusal) -> web.Response:
        """Refuse and close: a body may be under way, which nobody is going to read."""
        response = self.refuse(refusal)
        response.force_close()
        return response

    def _readiness(self) -> web.Response:
        pending = dict(self._pending())
        body = {"ready": not pending, "pending": pending, "warnings": dict(self._warnings())}
        return answer(503 if pending else 200, json.dumps(body).encode())
