"""How far a door's answers travel, as the accepted socket has it; tests/network has the routers."""

import socket
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from sidecar.web.answer import answer
from sidecar.web.binding import Listening
from tests.web.conftest import PlannedDoor

if TYPE_CHECKING:
    from tests.web.conftest import Open, Wire


class TellingDoor(PlannedDoor):
    """A door that tells the hop limits of the connection that it is asked over."""

    async def handle(self, request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        accepted = request.transport.get_extra_info("socket")
        old = accepted.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)
        new = None
        if accepted.family == socket.AF_INET6:
            new = accepted.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
        return answer(200, f"{old} {new}".encode())


async def _limits(wire: "Wire", host: str) -> str:
    at = type(wire)(host, wire.port)
    name = f"[{host}]" if ":" in host else host
    request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    return (await at.send(request)).body.decode()


@pytest.mark.parametrize("hops", [1, 2, 255])
async def test_an_accepted_connection_has_the_configured_limit(
    hops: int, open_on_loopback: "Open", own_address: str
) -> None:
    listening = Listening(hop_limit=hops)
    for address in (own_address, "0.0.0.0"):
        wire = await open_on_loopback(TellingDoor(), f"{address}:0", listening)
        assert await _limits(wire, own_address) == f"{hops} None"
    wire = await open_on_loopback(TellingDoor(), "[::]:0", listening)
    assert await _limits(wire, "::1") == f"{hops} {hops}"


async def test_one_hop_is_what_nobody_has_to_ask_for(
    open_on_loopback: "Open", own_address: str
) -> None:
    wire = await open_on_loopback(TellingDoor(), f"{own_address}:0")
    assert await _limits(wire, own_address) == "1 None"


async def test_over_loopback_nothing_is_limited(open_on_loopback: "Open") -> None:
    wire = await open_on_loopback(TellingDoor(), "127.0.0.1:0")
    with socket.socket() as ordinary:
        default = ordinary.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)
    assert default > 1
    assert await _limits(wire, "127.0.0.1") == f"{default} None"
