"""A flood of connections without a token: applications are served all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from sidecar.config.address import Address
from sidecar.web.listener import ConnectionLimits, open_doors

if TYPE_CHECKING:
    from tests.web.conftest import LedgerOf, PlannedDoor, Wire, WireTo

MOST = 4
LOOPBACK = (Address.parse("127.0.0.1:0"),)


@pytest.fixture
async def crowded(
    planned: "PlannedDoor", wire_to: "WireTo", ledger_of: "LedgerOf"
) -> AsyncIterator["Wire"]:
    """Give a door for a handful of connections, whose handler waits for its gate."""
    limits = ConnectionLimits(max_connections=MOST, drain_seconds=0.2)
    async with open_doors([(planned, LOOPBACK)], ledger_of, limits=limits) as (opened,):
        yield wire_to(opened.urls[0])


class Idlers:
    """Connections that send nothing."""

    def __init__(self, wire: "Wire", stack: AsyncExitStack) -> None:
        self._wire = wire
        self._stack = stack
        self._ends: list[asyncio.Task[bytes]] = []

    async def come(self, count: int) -> None:
        for _ in range(count):
            reader, writer = await asyncio.open_connection(self._wire.host, self._wire.port)
            # The writer itself is kept: it closes its connection when it is collected.
            self._stack.callback(lambda kept: kept.transport.abort(), writer)
            self._ends.append(asyncio.create_task(reader.read()))

    async def closed(self, count: int) -> list[int]:
        """Wait until so many are closed, and say which, in the order of their coming."""
        async with asyncio.timeout(5):
            while len(gone := [i for i, end in enumerate(self._ends) if end.done()]) < count:
                await asyncio.wait(
                    [end for end in self._ends if not end.done()],
                    return_when=asyncio.FIRST_COMPLETED,
                )
        return gone


@pytest.fixture
async def idlers(crowded: "Wire") -> AsyncIterator[Idlers]:
    async with AsyncExitStack() as stack:
        yield Idlers(crowded, stack)


async def test_idle_connections_up_to_the_limit_are_kept(
    crowded: "Wire", planned: "PlannedDoor", idlers: Idlers
) -> None:
    planned.gate.set()
    await idlers.come(MOST - 1)
    assert (await crowded.ask("/")).status == 200
    assert await idlers.closed(0) == []


async def test_a_flood_of_idle_connections_keeps_nobody_out(
    crowded: "Wire",
    planned: "PlannedDoor",
    idlers: Idlers,
    caplog: pytest.LogCaptureFixture,
) -> None:
    planned.gate.set()
    await idlers.come(5 * MOST)
    assert (await crowded.ask("/")).status == 200
    assert (await idlers.closed(4 * MOST + 1))[: 4 * MOST] == list(range(4 * MOST))
    assert caplog.text.count("the planned door holds 4 connections and closes idle ones") == 1


async def test_a_request_that_is_worked_on_survives_a_flood(
    crowded: "Wire", planned: "PlannedDoor", idlers: Idlers
) -> None:
    asking = asyncio.create_task(crowded.ask("/"))
    await planned.entered.wait()
    await idlers.come(2 * MOST)
    await idlers.closed(MOST + 1)
    planned.gate.set()
    assert (await asking).status == 200


async def test_when_every_connection_is_worked_on_the_newest_is_closed(
    crowded: "Wire", planned: "PlannedDoor", idlers: Idlers
) -> None:
    asking = []
    for _ in range(MOST):
        planned.entered.clear()
        asking.append(asyncio.create_task(crowded.ask("/")))
        await planned.entered.wait()
    await idlers.come(1)
    assert await idlers.closed(1) == [0]
    planned.gate.set()
    assert {reply.status for reply in await asyncio.gather(*asking)} == {200}
