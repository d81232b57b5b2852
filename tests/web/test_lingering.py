"""A client that still sends when its head is refused gets to read why, but not without end."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from sidecar.web.answer import Refusal
from sidecar.web.listener import ConnectionLimits

if TYPE_CHECKING:
    from tests.web.conftest import Open, PlannedDoor, Wire

TOO_LONG = b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 9000
MOST = 4
PATIENT = ConnectionLimits(linger_seconds=30.0, max_connections=MOST, drain_seconds=0.2)
HASTY = ConnectionLimits(linger_seconds=0.05)
NARROW = ConnectionLimits(linger_seconds=30.0, linger_bytes=4096, drain_seconds=0.2)


class Client:
    """A connection without a buffer of its own: a failure is met where it happens."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def read(self) -> bytes:
        """Give all that comes until the door ends its side."""
        found = b""
        while part := await asyncio.get_running_loop().sock_recv(self._socket, 65536):
            found += part
        return found

    def leave(self) -> None:
        self._socket.close()

    async def is_cut_off(self) -> bool:
        """Send without end, until the door takes nothing more."""
        try:
            async with asyncio.timeout(5):
                while True:
                    await self.send(b"x" * 1024)
                    await asyncio.sleep(0)
        except ConnectionError:
            return True


@pytest.fixture
async def wire(planned: "PlannedDoor", open_on_loopback: "Open") -> "Wire":
    planned.gate.set()
    return await open_on_loopback(planned)


@pytest.fixture
async def client(wire: "Wire") -> AsyncIterator[Client]:
    with socket.socket() as connected:
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, (wire.host, wire.port))
        yield Client(connected)


@pytest.mark.parametrize("limits", [PATIENT], ids=["patient"])
async def test_what_follows_a_head_that_is_too_long_is_taken_and_the_answer_can_be_read(
    client: Client,
) -> None:
    await client.send(TOO_LONG)
    answer = await client.read()
    for _ in range(100):
        await client.send(b"x" * 1024)
    assert b" 400 Bad Request\r\n" in answer
    assert answer.endswith(b"BadRequest")


@pytest.mark.parametrize("limits", [HASTY, NARROW], ids=["its time", "its bytes"])
async def test_a_client_that_sends_beyond_is_cut_off(client: Client) -> None:
    await client.send(TOO_LONG)
    assert b" 400 Bad Request\r\n" in await client.read()
    assert await client.is_cut_off()


@pytest.mark.parametrize("limits", [PATIENT], ids=["patient"])
async def test_a_client_that_leaves_while_it_is_answered_is_no_error(
    *,
    client: Client,
    wire: "Wire",
    planned: "PlannedDoor",
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refuse = planned.refuse

    def refused(refusal: Refusal) -> web.Response:
        client.leave()  # after the last look at the connection: the answer itself finds it closed
        return refuse(refusal)

    monkeypatch.setattr(planned, "refuse", refused)
    await client.send(TOO_LONG)
    assert (await wire.ask("/")).status == 200
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("limits", [PATIENT], ids=["patient"])
async def test_connections_whose_rest_is_thrown_away_are_idle_for_a_full_door(
    client: Client, wire: "Wire"
) -> None:
    await client.send(TOO_LONG)
    await client.read()
    for _ in range(MOST):
        assert (await wire.ask("/")).status == 200
    async with asyncio.timeout(5):
        crowd = [await wire.connect() for _ in range(MOST)]
        assert await client.is_cut_off()
    for _, writer in crowd:
        writer.transport.abort()
