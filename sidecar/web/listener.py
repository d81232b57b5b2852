"""Opening a door: sockets, limits and timeouts around one handler."""

import asyncio
import logging
import os
import socket
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final, Protocol

from aiohttp import web

from sidecar.config.address import Address
from sidecar.errors import ListenError
from sidecar.web.answer import Refusal
from sidecar.web.guards import Guard, first_refusal, host_is_ours, hosts_of

log = logging.getLogger(__name__)

# A connection that has not sent a whole request after this long is closed, however slowly it
# trickles; it is also how long an idle keep-alive connection is kept.
_IDLE_SECONDS: Final = 30.0
_DRAIN_SECONDS: Final = 5.0
# One line of the head: tokens from outside issuers reach a few kilobytes.
_MAX_LINE_BYTES: Final = 8190
_MAX_HEADERS: Final = 64
_BACKLOG: Final = 1024
_SERVER_ERROR: Final = 500


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


async def open_door(door: Door, addresses: Iterable[Address], stack: AsyncExitStack) -> OpenDoor:
    """Listen on every address; leaving `stack` drains the requests under way and closes them.

    Raises:
        ListenError: an address is taken or is not this machine's.

    """
    sockets = [(address.host_in_url, _bind(door.name, address, stack)) for address in addresses]
    bound = [(host, opened.getsockname()[1]) for host, opened in sockets]
    runner = web.ServerRunner(
        _Server(door, host_is_ours(hosts_of(bound))), shutdown_timeout=_DRAIN_SECONDS
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    for _, opened in sockets:
        await web.SockSite(runner, opened, backlog=_BACKLOG).start()
    return OpenDoor(door.name, tuple(f"http://{host}:{port}" for host, port in bound))


def _bind(door: str, address: Address, stack: AsyncExitStack) -> socket.socket:
    family = socket.AF_INET6 if isinstance(address.host, IPv6Address) else socket.AF_INET
    opened = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        opened.bind((str(address.host), address.port))
    except OSError as exc:
        raise ListenError(
            f"the {door} door cannot listen on {address}: {os.strerror(exc.errno or 0)}",
            hint=f"free the port, or set doors.{door} to another address",
        ) from exc
    opened.setblocking(False)
    return opened


class _Server(web.Server):
    """aiohttp's server with this program's guards and limits."""

    def __init__(self, door: Door, host_guard: Guard) -> None:
        super().__init__(self._guarded)
        self._door = door
        self._guards = (host_guard, *door.guards)

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._door)

    async def _guarded(self, request: web.BaseRequest) -> web.Response:
        refusal = first_refusal(self._guards, request)
        if refusal is None:
            return await self._door.handle(request)
        response = self._door.refuse(refusal)
        # What is refused here may have a body under way, which nobody is going to read.
        response.force_close()
        return response


class _Connection(web.RequestHandler):
    """One connection; what aiohttp itself refuses is said in the door's words."""

    __slots__ = ("_door",)

    def __init__(self, server: web.Server, door: Door) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # how aiohttp itself turns the log off
            keepalive_timeout=_IDLE_SECONDS,
            lingering_time=1.0,
            max_line_size=_MAX_LINE_BYTES,
            max_field_size=_MAX_LINE_BYTES,
            max_headers=_MAX_HEADERS,
            auto_decompress=False,
        )
        self._door = door

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
        else:
            log.error("the %s door failed on a request", self._door.name, exc_info=exc)
            refusal = Refusal(500, "InternalFailure", "internal error; see the sidecar's log")
        response = self._door.refuse(refusal)
        response.force_close()
        return response
