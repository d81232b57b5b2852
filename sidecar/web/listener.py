"""Opening a door: sockets, limits and timeouts around one handler."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol, cast

from aiohttp import web

from sidecar.config.address import Address
from sidecar.web.admission import Admission
from sidecar.web.answer import Refusal
from sidecar.web.binding import Bound, Listening, cannot_listen, limit_hops
from sidecar.web.guards import Guard, first_refusal, host_is_ours, hosts_of, known_version
from sidecar.web.ledger import CONNECT, Ledger
from sidecar.web.lingering import LingeringHandler

log = logging.getLogger(__name__)

# How many connections wait in the kernel for their turn.
_BACKLOG: Final = 1024
# How many the loop accepts in one turn. Few, since a full door closes none before later turns: a
# burst must not use up the process's open files meanwhile.
ACCEPTED_AT_ONCE: Final = 4
_TELL_AGAIN_SECONDS: Final = 60.0
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections a door holds, and how much of it each may take up.

    Of more than `max_connections`, over all of a door's addresses, the one idle for longest goes.
    A connection that has not sent a whole request after `idle_seconds` is closed, however slowly it
    trickles; an idle keep-alive connection likewise. A refused body is read and thrown away for
    `linger_seconds`, so that the client gets to read the refusal, and so is what follows a request
    that could not be parsed, up to `linger_bytes`. When the door closes, requests under way get
    `drain_seconds`. A line of the head may have `max_line_bytes`: tokens from outside
    issuers reach a few kilobytes.
    """

    max_connections: int = 1024
    idle_seconds: float = 30.0
    linger_seconds: float = 1.0
    linger_bytes: int = 262144
    drain_seconds: float = 5.0
    max_line_bytes: int = 8190
    max_headers: int = 64


DEFAULT_LIMITS: Final = ConnectionLimits()
AT_HOME: Final = Listening()


class Door(Protocol):
    """A protocol spoken on a listener."""

    @property
    def name(self) -> str:
        """What the door is called in the configuration."""
        ...

    @property
    def guards(self) -> Sequence[Guard]:
        """What a request must pass, in order, after the Host check."""
        ...

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request that has passed the Host check and the door's own guards."""
        ...

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no in this door's own error shape."""
        ...


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """A door that is listening; `urls` says where."""

    name: str
    urls: tuple[str, ...]


@asynccontextmanager
async def open_doors(
    doors: Iterable[tuple[Door, Iterable[Address]]],
    ledger_of: Callable[[str], Ledger],
    *,
    listening: Listening = AT_HOME,
    limits: ConnectionLimits = DEFAULT_LIMITS,
) -> AsyncIterator[tuple[OpenDoor, ...]]:
    """Listen on every address of every door until the block is left.

    Leaving closes all doors at once and drains their requests together, in `drain_seconds` for all
    of them: container engines kill what has not ended ten seconds after their signal.

    Args:
        doors: each with its addresses.
        ledger_of: gives where it is put down what a door's guards refuse.
        listening: what holds for all of their sockets.
        limits: what connections may take up.

    Raises:
        ListenError: an address is taken or is not this machine's.

    """
    runners: list[web.ServerRunner] = []
    with ExitStack() as sockets:
        try:
            bound = [(door, listening.bound(door.name, each, sockets)) for door, each in doors]
            opened: list[OpenDoor] = []
            for door, each in bound:
                guard = _host_guard(each, listening.hosts)
                server = _Server(door, guard, ledger_of(door.name), limits)
                opened.append(await _open(server, each, listening.hop_limit, runners))
            yield tuple(opened)
        finally:
            await _close(runners)


async def _close(runners: Sequence[web.ServerRunner]) -> None:
    """Let nobody in any more at any door, then drain them all at the same time."""
    for site in [site for runner in runners for site in runner.sites]:
        await site.stop()
    await asyncio.gather(*(runner.cleanup() for runner in runners))


async def _open(
    server: "_Server", bound: Sequence[Bound], hop_limit: int, runners: list[web.ServerRunner]
) -> OpenDoor:
    runner = await _running(server)
    runners.append(runner)
    for each in bound:
        each.socket.setblocking(False)
        limit_hops(each, hop_limit)
        try:
            await web.SockSite(runner, each.socket, backlog=ACCEPTED_AT_ONCE).start()
        except OSError as exc:  # of two that bind the same address at once, one may listen
            raise cannot_listen(server.door.name, each.address, exc) from exc
        # asyncio takes one number for the queue and for a turn; the queue's is corrected here.
        each.socket.listen(_BACKLOG)
    return OpenDoor(server.door.name, tuple(f"http://{each.address}" for each in bound))


def _host_guard(bound: Sequence[Bound], hosts: Sequence[str]) -> Guard:
    """Want a Host that is an address of the door's, or a further name where others reach it."""
    specific = [each.address for each in bound if not each.address.host.is_unspecified]
    named = [(address.host_in_url, address.port) for address in specific]
    ports = {each.address.port for each in bound if not each.address.host.is_loopback}
    named += [(host, port) for host in hosts for port in ports]
    return host_is_ours(hosts_of(named), or_local_address=len(specific) < len(bound))


async def running_server(
    door: Door, hosts: Iterable[str], ledger: Ledger, limits: ConnectionLimits
) -> web.ServerRunner:
    """Make what answers a door's connections; it gets none before it has a site.

    Args:
        door: the door.
        hosts: what its requests may name as Host.
        ledger: where it is put down what its guards refuse.
        limits: what its connections may take up.

    """
    return await _running(_Server(door, host_is_ours(hosts), ledger, limits))


async def _running(server: "_Server") -> web.ServerRunner:
    # Halved, since aiohttp waits twice: for the handler's answer, then for the connection's end.
    runner = web.ServerRunner(server, shutdown_timeout=server.limits.drain_seconds / 2)
    await runner.setup()
    return runner


class _Server(web.Server):
    """aiohttp's server with this program's guards and limits."""

    def __init__(
        self, door: Door, host_guard: Guard, ledger: Ledger, limits: ConnectionLimits
    ) -> None:
        super().__init__(self._guarded)
        self.door = door
        self._guards = (known_version, host_guard, *door.guards)
        self._ledger = ledger
        self.limits = limits
        self._admission = Admission[_Connection](limits.max_connections)
        self._tell_again_at = 0.0

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self.door, self.limits)

    def admit(self, connection: "_Connection") -> None:
        """Let a connection in, and drop one if they are too many."""
        leaving = self._admission.enter(connection)
        if leaving is not None:
            self._tell_that_it_is_full()
            leaving.drop()

    def forget(self, connection: "_Connection") -> None:
        """Count a connection that has ended no longer."""
        self._admission.leave(connection)

    def put_down(self, refusal: Refusal, transport: asyncio.BaseTransport | None) -> None:
        """Have the audit know of a request that could not even be parsed."""
        self._ledger.entry(transport, CONNECT).denied(refusal.message)

    def _tell_that_it_is_full(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._tell_again_at:
            self._tell_again_at = now + _TELL_AGAIN_SECONDS
            log.warning(
                "the %s door holds %d connections and closes idle ones for new ones",
                self.door.name,
                self.limits.max_connections,
            )

    async def _guarded(self, request: web.BaseRequest) -> web.Response:
        refusal = first_refusal(self._guards, request)
        if refusal is None:
            with self._admission.working(cast("_Connection", request.protocol)):
                return await self.door.handle(request)
        self._ledger.entry(request.transport, CONNECT).denied(refusal.message)
        response = self.door.refuse(refusal)
        # What is refused here may have a body under way, which nobody is going to read.
        response.force_close()
        return response


class _Connection(LingeringHandler):
    """One connection; what aiohttp itself refuses is said in the door's words."""

    __slots__ = ("_door", "_limits", "_server")

    def __init__(self, server: _Server, door: Door, limits: ConnectionLimits) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # how aiohttp itself turns the log off
            keepalive_timeout=limits.idle_seconds,
            lingering_time=limits.linger_seconds,
            max_line_size=limits.max_line_bytes,
            max_field_size=limits.max_line_bytes,
            max_headers=limits.max_headers,
            auto_decompress=False,
        )
        self._door = door
        self._limits = limits
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, if the door has room."""
        super().connection_made(transport)
        self._server.admit(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End, and make room."""
        self._server.forget(self)
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close at once, whatever the other side has not read yet."""
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that could not be parsed (400) or a handler that failed (500)."""
        del request, message
        if status < _SERVER_ERROR:
            log.debug("the %s door could not parse a request", self._door.name)
            refusal = Refusal(400, "BadRequest", "malformed request, or a head that is too long")
            self._server.put_down(refusal, self.transport)
            self.linger(self._limits.linger_seconds, self._limits.linger_bytes)
        else:
            log.error("the %s door failed on a request", self._door.name, exc_info=exc)
            refusal = Refusal(500, "InternalFailure", "internal error; see the sidecar's log")
        response = self._door.refuse(refusal)
        response.force_close()
        return response
