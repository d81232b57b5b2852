"""How many requests the secrets door answers at a time, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sidecar.web.listener import ConnectionLimits
from sidecar.web.open_files import raised_limit
from sidecar.web.secrets_door import SecretsDoorOptions

if TYPE_CHECKING:
    from tests.web.conftest import OpenSecrets, PlannedSecrets, Reply, Wire

WEB = "X-Aws-Parameters-Secrets-Token: token-of-the-web-app-0001"
DATABASE = "/v1/web/database"
MOST = 3
IDLE = 1000
FULL = (429, b"Connection limit exceeded")


@pytest.fixture
def limits() -> ConnectionLimits:
    """Let the door hold more connections than this file opens."""
    return ConnectionLimits(max_connections=IDLE + 100, linger_seconds=0.05, drain_seconds=0.2)


@dataclass(frozen=True)
class Full:
    """A door that is answering as many requests as it may."""

    wire: "Wire"
    secrets: "PlannedSecrets"
    asking: list["asyncio.Task[Reply]"]

    async def end(self) -> set[int]:
        """Let AWS answer, and give the statuses."""
        self.secrets.gate.set()
        return {reply.status for reply in await asyncio.gather(*self.asking)}


@pytest.fixture
async def full(
    open_secrets: "OpenSecrets", planned_secrets: "PlannedSecrets"
) -> AsyncIterator[Full]:
    """Give a full door: AWS has not answered yet."""
    planned_secrets.gate.clear()
    wire = await open_secrets(SecretsDoorOptions(max_conn=MOST))
    targets = [f"{DATABASE}?versionId={number}" for number in range(MOST)]
    asking = [asyncio.create_task(wire.ask(target, WEB)) for target in targets]
    async with asyncio.timeout(10):
        for _ in targets:
            await planned_secrets.arrivals.get()
    full = Full(wire, planned_secrets, asking)
    yield full
    assert await full.end() == {200}


@pytest.mark.parametrize(
    ("method", "target", "lines"),
    [
        pytest.param("GET", DATABASE, (WEB,), id="a right request"),
        pytest.param("GET", DATABASE, (), id="before the token"),
        pytest.param("GET", DATABASE, ("X-Forwarded-For: a",), id="before what was forwarded"),
        pytest.param("POST", DATABASE, (WEB,), id="before the method"),
        pytest.param("GET", "/nothing", (WEB,), id="before the route"),
    ],
)
async def test_one_more_is_refused_before_anything_else_is_looked_at(
    method: str, target: str, lines: tuple[str, ...], full: Full
) -> None:
    reply = await full.wire.ask(target, *lines, method=method)
    assert (reply.status, reply.body) == FULL
    assert reply.header("Content-Type") == "text/plain"


async def test_a_full_door_still_says_that_it_is_alive(full: Full) -> None:
    assert (await full.wire.ask("/ping")).body == b"healthy"


async def test_requests_that_have_been_answered_make_room(full: Full) -> None:
    assert (await full.wire.ask(DATABASE, WEB)).status == 429
    assert await full.end() == {200}
    assert (await full.wire.ask(DATABASE, WEB)).status == 200


@pytest.mark.parametrize("most", [1, 2])
async def test_refusals_use_up_nothing(most: int, open_secrets: "OpenSecrets") -> None:
    wire = await open_secrets(SecretsDoorOptions(max_conn=most))
    for line in ("X-Nothing: a", "X-Forwarded-For: a"):
        assert [(await wire.ask(DATABASE, line)).status for _ in range(most + 1)].count(429) == 0
    assert (await wire.ask(DATABASE, WEB)).status == 200


async def test_idle_connections_keep_nobody_out(open_secrets: "OpenSecrets") -> None:
    assert raised_limit() > 2 * IDLE + 200, "both ends of every connection are open files here"
    wire = await open_secrets(SecretsDoorOptions(max_conn=1))
    request = f"GET {DATABASE} HTTP/1.1\r\nHost: {wire.authority}\r\n{WEB}\r\n\r\n".encode()
    async with AsyncExitStack() as stack:

        async def ask_and_stay() -> "asyncio.StreamReader":
            reader, writer = await asyncio.open_connection(wire.host, wire.port)
            stack.callback(lambda kept: kept.transport.abort(), writer)
            writer.write(request)
            assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
            await reader.readuntil(b'046"}')
            return reader

        readers = [await ask_and_stay() for _ in range(IDLE)]
        assert (await wire.ask(DATABASE, WEB)).status == 200
        assert not any(reader.at_eof() for reader in readers)
