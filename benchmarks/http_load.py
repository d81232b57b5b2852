"""A load generator: keep-alive connections over plain sockets, little work for each request."""

import asyncio
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SUCCESS: Final = b"HTTP/1.1 200 "
_PERCENTILES: Final = 100


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask on loopback, and the bytes to ask with."""

    port: int
    request: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """What a load came to: seconds of each request, seconds in all, and answers other than 200."""

    latencies: Sequence[float]
    seconds: float
    failures: int = 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    @property
    def median(self) -> float:
        """The median latency in seconds."""
        return statistics.median(self.latencies)

    @property
    def p99(self) -> float:
        """The latency in seconds that one request in a hundred exceeds."""
        return statistics.quantiles(self.latencies, n=_PERCENTILES, method="inclusive")[-1]

    @property
    def longest(self) -> float:
        """The longest latency in seconds."""
        return max(self.latencies)


def pooled(samples: Sequence[Sample]) -> Sample:
    """Take several loads for one."""
    latencies = [each for sample in samples for each in sample.latencies]
    seconds = sum(sample.seconds for sample in samples)
    return Sample(latencies, seconds, sum(sample.failures for sample in samples))


@dataclass(slots=True)
class Tally:
    """What several connections have seen so far."""

    latencies: list[float] = field(default_factory=list)
    failures: int = 0


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, until the deadline."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request, self._tally = request, tally
        self._transport: asyncio.WriteTransport | None = None
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._received = bytearray()
        self._end = self._sent_at = self._deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - for the type checker
        self._transport = transport

    async def ask_until(self, deadline: float) -> None:
        """Ask until a moment of `time.perf_counter`, once at least."""
        self._deadline = deadline
        self._ask()
        await self._done

    def _ask(self) -> None:
        self._received.clear()
        self._end = 0
        self._sent_at = time.perf_counter()
        if self._transport is not None:
            self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take part of an answer; ask again when it is whole."""
        self._received += data
        if not self._end:
            head = self._received.find(b"\r\n\r\n")
            if head < 0:
                return
            found = _LENGTH.search(self._received, 0, head)
            self._end = head + 4 + (int(found.group(1)) if found else 0)
        if len(self._received) < self._end:
            return
        now = time.perf_counter()
        self._tally.latencies.append(now - self._sent_at)
        self._tally.failures += not self._received.startswith(_SUCCESS)
        if now < self._deadline:
            self._ask()
        elif not self._done.done():
            self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that ended early as a failure."""
        del exc
        if not self._done.done():
            self._tally.failures += 1
            self._done.set_result(None)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()


async def load(target: Target, *, connections: int, seconds: float) -> Sample:
    """Ask over so many connections for so long; with zero seconds each asks once, all at once."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(
            lambda: Client(target.request, tally), "127.0.0.1", target.port
        )
        clients.append(client)
    begin = time.perf_counter()
    await asyncio.gather(*(client.ask_until(begin + seconds) for client in clients))
    taken = time.perf_counter() - begin
    for client in clients:
        client.close()
    return Sample(tally.latencies, taken, tally.failures)
