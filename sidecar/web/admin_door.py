"""The admin door: is the process alive, and is it ready to serve; never a secret value."""

import json
from collections.abc import Callable, Mapping

from aiohttp import web

from sidecar.web.answer import PLAIN, Refusal, answer
from sidecar.web.guards import Guard, no_body, not_forwarded, not_from_a_browser, only_get

# What keeps the sidecar from being ready: the thing waited for, and why.
Pending = Callable[[], Mapping[str, str]]


class AdminDoor:
    """Answers probes.

    Args:
        pending: gives what is still waited for; ready means nothing.

    """

    name = "admin"
    guards: tuple[Guard, ...] = (not_forwarded, not_from_a_browser, only_get, no_body)

    def __init__(self, pending: Pending) -> None:
        self._pending = pending

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer ``/healthz`` and ``/readyz``."""
        match request.raw_path.partition("?")[0]:
            case "/healthz":
                return answer(200, b"ok\n", PLAIN)
            case "/readyz":
                return self._readiness()
            case _:
                return self.refuse(Refusal(404, "NotFound", "there is nothing at this path"))

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no in JSON."""
        body = {"code": refusal.code, "message": refusal.message}
        return answer(refusal.status, json.dumps(body).encode(), headers=refusal.headers)

    def _readiness(self) -> web.Response:
        pending = dict(self._pending())
        body = {"ready": not pending, "pending": pending}
        return answer(503 if pending else 200, json.dumps(body).encode())
