"""What the command line asks of a running sidecar, over its control socket."""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from sidecar.errors import BadRequest, ConfigError, SidecarError
from sidecar.web.answer import Refusal, answer
from sidecar.web.guards import Guard, no_body
from sidecar.web.invalidate_route import InvalidateRoute
from sidecar.web.peer import ROOT, peer_of

log = logging.getLogger(__name__)

# What a request names as Host; a browser reaches no Unix socket, so this keeps out mistakes only.
HOST: Final = "localhost"
# The command line waits a little longer for an answer.
WORK_SECONDS: Final = 20.0
# Refusals that a later request may not meet.
_MAY_PASS: Final = (429, 504)
_FOREIGN: Final = "ask as the user that runs the sidecar, or as root"
_VERSIONS: Final = "are command line and sidecar of the same version?"


class Controls(Protocol):
    """What can be asked of a running sidecar."""

    def status(self) -> Mapping[str, object]:
        """Say how it stands, in what JSON can hold; never a secret."""
        ...

    async def reload(self) -> Mapping[str, object]:
        """Read again what it is configured by, and say what came of that.

        Raises:
            SidecarError: something is wrong, all of it told at once; nothing has changed then.

        """
        ...

    def refresh(self, role: str | None) -> int:
        """Have a role's sessions renewed soon, or every role's; say how many that are.

        Raises:
            NotFound: there is no such role.

        """
        ...


# Gets what stands after the question mark; SidecarErrors become answers.
Handler = Callable[[str], Awaitable[web.Response | Refusal]]


@dataclass(frozen=True, slots=True)
class Route:
    """The one method of a path, and what answers it."""

    method: str
    handle: Handler


class ControlDoor:
    """Lets the user of this process and root ask for its status and tell it what to do.

    Args:
        controls: what is asked.
        invalidate: takes word of changes, at a pace of its own: whoever keeps the admin door's busy
            needs no right to do so.
        work_seconds: how long an answer may take; what is done then goes on.

    """

    name = "control"

    def __init__(
        self,
        controls: Controls,
        invalidate: InvalidateRoute,
        *,
        work_seconds: float = WORK_SECONDS,
    ) -> None:
        self.guards: tuple[Guard, ...] = (_known_peer,)
        self._controls = controls
        self._invalidate = invalidate
        self._work_seconds = work_seconds
        self._one_reload = asyncio.Lock()
        self._at_work: set[asyncio.Future[web.Response | Refusal]] = set()
        self._routes: Mapping[str, Route] = {
            "/status": Route("GET", self._status),
            "/reload": Route("POST", self._reload),
            "/refresh": Route("POST", self._refresh),
            "/invalidate": Route("POST", self._told_of_change),
        }

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request of a known user."""
        path, _, query = request.raw_path.partition("?")
        route = self._routes.get(path)
        if route is None:
            return self._turned_away(
                Refusal(404, "NotFound", f"there is no {path}", hint=_VERSIONS)
            )
        if request.method != route.method:
            allow = {"Allow": route.method}
            message = f"{path} takes {route.method} only"
            return self._turned_away(Refusal(405, "MethodNotAllowed", message, allow))
        if no_body(request):
            return self._turned_away(Refusal(400, "BodyNotAllowed", "send no body"))
        said = await self._in_time(route.handle, query)
        return self.refuse(said) if isinstance(said, Refusal) else said

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no in JSON."""
        body = {
            "code": refusal.code,
            "message": refusal.message,
            "hint": refusal.hint,
            "retryable": refusal.status in _MAY_PASS,
        }
        return answer(refusal.status, _json(body), headers=refusal.headers)

    async def _in_time(self, handle: Handler, query: str) -> web.Response | Refusal:
        """Wait for an answer; what takes too long goes on, since half of it may be done."""
        work = asyncio.ensure_future(_answered(handle, query))
        self._at_work.add(work)
        work.add_done_callback(self._at_work.discard)
        done, _ = await asyncio.wait({work}, timeout=self._work_seconds)
        if done:
            return work.result()
        work.add_done_callback(_tell_failure)
        message = f"this takes longer than {self._work_seconds:g} s, and goes on"
        return Refusal(504, "Timeout", message, hint="see the sidecar's log")

    async def _status(self, query: str) -> web.Response:
        _parameters(query)
        return answer(200, _json(self._controls.status()))

    async def _reload(self, query: str) -> web.Response:
        _parameters(query)
        async with self._one_reload:
            return answer(200, _json(await self._controls.reload()))

    async def _refresh(self, query: str) -> web.Response:
        role = _parameters(query, "role").get("role")
        count = self._controls.refresh(role)
        log.info("told to renew %d sessions", count)
        return answer(200, _json({"refreshing": count}))

    async def _told_of_change(self, query: str) -> web.Response | Refusal:
        return self._invalidate.handle(query)

    def _turned_away(self, refusal: Refusal) -> web.Response:
        """Refuse and close: a body may be under way, which nobody is going to read."""
        response = self.refuse(refusal)
        response.force_close()
        return response


def _tell_failure(work: "asyncio.Future[web.Response | Refusal]") -> None:
    if not work.cancelled() and (exc := work.exception()) is not None:
        log.error("control socket: what was asked for has failed", exc_info=exc)


async def _answered(handle: Handler, query: str) -> web.Response | Refusal:
    """Answer, and tell errors in the door's own shape with everything that the user needs."""
    try:
        return await handle(query)
    except SidecarError as exc:
        body: dict[str, object] = {
            "code": type(exc).__name__,
            "message": exc.message,
            "hint": exc.hint,
            "retryable": exc.retryable,
        }
        if isinstance(exc, ConfigError):
            body["problems"] = [
                {"where": each.where, "what": each.what, "hint": each.hint} for each in exc.problems
            ]
        return answer(exc.http_status, _json(body))


def _known_peer(request: web.BaseRequest) -> Refusal | None:
    """Refuse everybody but this process's own user and root, whatever the socket's mode lets in."""
    transport = request.transport
    opened = None if transport is None else transport.get_extra_info("socket")
    if opened is None:
        return Refusal(403, "Forbidden", "the other side has gone", hint=_FOREIGN)
    peer = peer_of(opened)
    if peer.uid in (ROOT, os.geteuid()):
        return None
    log.warning("control socket: uid %d (process %d) was refused", peer.uid, peer.pid)
    return Refusal(403, "Forbidden", f"uid {peer.uid} may not control this sidecar", hint=_FOREIGN)


def _parameters(query: str, *known: str) -> dict[str, str]:
    """Read a query that names each of some parameters once or not at all.

    Raises:
        BadRequest: it names something else, or one twice, or leaves one empty.

    """
    pairs = parse_qsl(query, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs) or not found.keys() <= {*known} or not all(found.values()):
        named = ", ".join(f"{each}=…" for each in known) or "none"
        raise BadRequest("these are not the parameters", hint=f"there may be: {named}")
    return found


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document).encode()
