"""What it costs to tell apps apart, and to have a thousand slow connections at a door.

Run: python -m benchmarks.access [--rounds N] [--asked N]. Everything is measured in turn in one
run, so that a busy machine slows all alike: read the ratios, not the times. The tables are
Markdown.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.http_load import Sample, Target, load, pooled
from benchmarks.secret_programs import TOKEN_HEADER, Program, running_aws, running_sidecar
from sidecar.access.callers import STATIC, Access, Callers, OwnTokens
from sidecar.access.own_token import OwnTokenRules, issue
from sidecar.access.policy import App
from sidecar.access.token_key import TokenKey
from sidecar.access.tokens import AppToken, AppTokens
from sidecar.clock import SystemClock
from sidecar.redaction import Secret
from sidecar.web.open_files import raised_limit

SLOW: Final = 1000
_APPS: Final = 10
_TURNS: Final = 4
# How many slow connections send a byte before each request.
_DRIPS: Final = 50
_RULES: Final = OwnTokenRules(
    audience="credential-sidecar", lifetime=timedelta(days=1), grace=timedelta(days=7)
)

Identify = Callable[[], Sample]


class Bench:
    """Ten apps with a token that their user made and one that the sidecar signed."""

    def __init__(self, algorithm: str, rounds: int) -> None:
        self._rounds = rounds
        self._apps = tuple(App(f"app-{number}", (), ()) for number in range(_APPS))
        key = TokenKey.generate(algorithm)
        static = AppTokens(
            tuple(AppToken(app, Secret(f"token-of-{app.name}-0123456789")) for app in self._apps)
        )
        self._access = Access(self._apps, static, OwnTokens(key, _RULES))
        self._static = f"token-of-{self._apps[-1].name}-0123456789".encode()
        now = datetime.now(UTC)
        self._signed = [
            issue(self._apps[-1].name, key, _RULES, now, f"{number:032x}").encoded()
            for number in range(rounds)
        ]

    def static(self) -> Sample:
        """Identify by a token that is compared."""
        return asyncio.run(self._identify([self._static] * self._rounds))

    def cold(self) -> Sample:
        """Identify by signed tokens that were never seen before."""
        return asyncio.run(self._identify(self._signed))

    def remembered(self) -> Sample:
        """Identify by a signed token that was found good before."""
        return asyncio.run(self._identify([self._signed[0]] * self._rounds, warm=True))

    async def _identify(self, tokens: list[bytes], *, warm: bool = False) -> Sample:
        callers = Callers(self._access, SystemClock())
        if warm:
            await callers.identify(tokens[0])
        latencies = []
        begin = time.perf_counter()
        for token in tokens:
            began = time.perf_counter()
            await callers.identify(token)
            latencies.append(time.perf_counter() - began)
        return Sample(latencies, time.perf_counter() - begin)


def identification(rounds: int) -> Iterator[str]:
    """Measure what one look at a token takes."""
    yield f"| token, {_APPS} apps | median | p99 | times a static one |"
    yield "|---|---|---|---|"
    eddsa, hs256 = Bench("EdDSA", rounds), Bench("HS256", rounds)
    ways: Mapping[str, Identify] = {
        f"{STATIC}, compared with each": eddsa.static,
        "signed (EdDSA), first seen": eddsa.cold,
        "signed (EdDSA), remembered": eddsa.remembered,
        "signed (HS256), first seen": hs256.cold,
        "signed (HS256), remembered": hs256.remembered,
    }
    samples: dict[str, list[Sample]] = {name: [] for name in ways}
    for _ in range(_TURNS):
        for name, identify in ways.items():
            samples[name].append(identify())
    found = {name: pooled(each) for name, each in samples.items()}
    usual = next(iter(found.values()))
    for name, sample in found.items():
        times = sample.median / usual.median
        yield f"| {name} | {_us(sample.median)} | {_us(sample.p99)} | {times:.1f} |"


def slow_connections(program: Program, asked: int) -> Iterator[str]:
    """Measure a door alone, and with a thousand slow connections."""
    yield "| the door has | median | p99 | longest | times alone: median, p99 |"
    yield "|---|---|---|---|---|"
    ways = {
        "nobody else": None,
        f"{SLOW:,} connections that send nothing": b"",
        f"{SLOW:,} heads that trickle, without a token": _head(program, ""),
        f"{SLOW:,} heads that trickle, with the token": _head(program, program.token),
    }
    samples: dict[str, list[Sample]] = {name: [] for name in ways}
    for _ in range(_TURNS):
        for name, first in ways.items():
            sample = asyncio.run(_asked(program.target("held"), first, asked // _TURNS))
            if sample.failures:
                raise RuntimeError(f"{sample.failures} requests failed")
            samples[name].append(sample)
    found = {name: pooled(each) for name, each in samples.items()}
    alone = found["nobody else"]
    for name, sample in found.items():
        ratios = f"{sample.median / alone.median:.1f}, {sample.p99 / alone.p99:.1f}"
        shown = " | ".join(_ms(each) for each in (sample.median, sample.p99, sample.longest))
        yield f"| {name} | {shown} | {ratios} |"


def _head(program: Program, token: str) -> bytes:
    lines = ["GET /secretsmanager/get HTTP/1.1", f"Host: localhost:{program.port}"]
    lines += [f"{TOKEN_HEADER}: {token}"] if token else []
    return "\r\n".join([*lines, "X-Slow: "]).encode()


async def _asked(target: Target, first: bytes | None, times: int) -> Sample:
    """Ask over a new connection each time, with slow ones beside it if they send anything."""
    async with _slow(target, first) as drip:
        samples = []
        for _ in range(times):
            drip()
            samples.append(await load(target, connections=1, seconds=0))
    return pooled(samples)


@asynccontextmanager
async def _slow(target: Target, first: bytes | None) -> AsyncIterator[Callable[[], None]]:
    writers: list[asyncio.StreamWriter] = []
    sent = 0

    def drip() -> None:
        nonlocal sent
        for _ in range(_DRIPS if first else 0):
            writers[sent % SLOW].write(b"a")
            sent += 1

    try:
        for _ in range(0 if first is None else SLOW):
            _, writer = await asyncio.open_connection("127.0.0.1", target.port)
            writers.append(writer)
            writer.write(first or b"")
        yield drip
    finally:
        for writer in writers:
            writer.transport.abort()


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000, help="tokens of each kind")
    parser.add_argument("--asked", type=int, default=2000, help="requests to the door in each way")
    arguments = parser.parse_args()
    say = sys.stdout.write
    say(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    raised_limit()
    for line in ("", *identification(arguments.rounds), ""):
        say(f"{line}\n")
    with tempfile.TemporaryDirectory() as directory, running_aws() as aws:
        aws.put("held", 32)
        with running_sidecar(Path(directory), aws, ttl_seconds=3600) as program:
            program.read("held")
            for line in slow_connections(program, arguments.asked):
                say(f"{line}\n")


if __name__ == "__main__":
    main()
