"""A thousand connections that are slow on purpose, and an application that asks meanwhile.

The bounds are generous, since the machine may be busy: an answer takes milliseconds, and what
waited for slow connections would wait for tens of seconds, until they are closed for being idle.
`benchmarks/access.py` has the figures.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest

from sidecar.web.open_files import raised_limit

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.service.conftest import Doors, ServeHere, Until

SLOW: Final = 1000
ONE_AFTER_ANOTHER: Final = 200
AT_ONCE: Final = 50
MEDIAN_SECONDS: Final = 0.25
LONGEST_SECONDS: Final = 2.0
DRIPS: Final = 50

CREDENTIALS, SECRETS = "credentials", "secrets"
TOKEN_HEADERS: Final = {CREDENTIALS: "Authorization", SECRETS: "X-Vault-Token"}


@dataclass(frozen=True)
class Way:
    """What a connection sends at first, and whether it trickles on or is answered."""

    lines: tuple[str, ...] = ()
    trickles: bool = False
    answered: bool = False

    def first(self, target: str, host: str, header: str, token: str) -> bytes:
        text = "\r\n".join(self.lines)
        return text.format(target=target, host=host, header=header, token=token).encode()


START: Final = ("GET {target} HTTP/1.1", "Host: {host}")
TOKEN: Final = "{header}: {token}"
WAYS: Final = {
    "a head that trickles, without a token": Way((*START, "X-Slow: "), trickles=True),
    "a head that trickles, with the token": Way((*START, TOKEN, "X-Slow: "), trickles=True),
    "a request whose answer is never read": Way((*START, TOKEN, "", ""), answered=True),
    "nothing": Way(),
}


@dataclass(frozen=True)
class App:
    """An application at one of the doors, and what it has waited for."""

    doors: "Doors"
    door: str
    name: str
    taken: list[float]

    @property
    def target(self) -> str:
        return f"/v1/{self.name}" if self.door == SECRETS else "/credentials"

    async def ask(self) -> None:
        began = time.perf_counter()
        doors = self.doors
        asked = doors.secret(self.name) if self.door == SECRETS else doors.credentials()
        status, _ = await asked
        self.taken.append(time.perf_counter() - began)
        assert status == 200


class Slow:
    """A thousand connections to an application's door."""

    def __init__(
        self, connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    ) -> None:
        self._readers = [reader for reader, _ in connections]
        self._turns = cycle([writer for _, writer in connections])

    def trickle(self) -> None:
        """Send a further byte over each of the next few."""
        for _ in range(DRIPS):
            next(self._turns).write(b"a")

    def held(self) -> int:
        """Count those that the door has not closed."""
        return sum(not reader.at_eof() for reader in self._readers)


@asynccontextmanager
async def slow(app: App, way: Way) -> AsyncIterator[Slow]:
    """Hold a thousand slow connections, which take nothing in."""
    where = urlsplit(app.doors.urls[app.door])
    token = app.doors.token_file.read_text()
    first = way.first(app.target, where.netloc, TOKEN_HEADERS[app.door], token)
    connections = []
    try:
        for _ in range(SLOW):
            opened = await asyncio.open_connection(where.hostname, where.port, limit=1)
            connections.append(opened)
            opened[1].write(first)
        yield Slow(connections)
    finally:
        for _, writer in connections:
            writer.transport.abort()


@pytest.fixture(params=[CREDENTIALS, SECRETS])
def door(request: pytest.FixtureRequest) -> str:
    """Give the name of each door in turn."""
    name: str = request.param
    return name


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_a_thousand_slow_connections_delay_nobody(
    way: Way, door: str, aws: "Aws", serve_here: "ServeHere", until: "Until"
) -> None:
    assert raised_limit() > SLOW + AT_ONCE + 200, "every connection is an open file here"
    with serve_here() as served:
        await until(served.doors.ready)
        app = App(served.doors, door, aws.new_secret("hunter2"), [])
        async with slow(app, way) as connections:
            for _ in range(ONE_AFTER_ANOTHER):
                if way.trickles:
                    connections.trickle()
                await app.ask()
            await asyncio.gather(*(app.ask() for _ in range(AT_ONCE)))
            assert connections.held() > SLOW - 2 * AT_ONCE or way.answered
    assert len(app.taken) == ONE_AFTER_ANOTHER + AT_ONCE
    assert statistics.median(app.taken) < MEDIAN_SECONDS
    assert max(app.taken) < LONGEST_SECONDS
