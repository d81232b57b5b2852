"""The secrets door beside a bare handler, AWS's own provider and no cache at all.

Run: python -m benchmarks.secrets_door [--provider PATH] [--seconds N] [SCENARIO ...]. Everything is
measured in turn, several rounds of it, on a machine that also runs the load generator and the
emulator: read the ratios, not the numbers. The tables are Markdown.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.http_load import Sample, Target, load, pooled
from benchmarks.secret_programs import (
    Aws,
    Program,
    running_aws,
    running_bare,
    running_provider,
    running_sidecar,
)

# By the names of the secrets.
SIZES: Final = {"32": "32 B", "4096": "4 kB", "61440": "60 kB"}
CONNECTIONS: Final = (1, 16, 256)
SIDECAR, PROVIDER = "sidecar", "AWS's provider"
BARE, LIMIT, NO_CACHE = "bare aiohttp handler", "plain sockets", "boto3, no cache"
_HELD: Final = 1000
_HERD: Final = 500
_EXPIRY_SECONDS: Final = 10
_UPSTREAM_MS: Final = 100
_ROUNDS: Final = 10
_TURNS: Final = 4
_PRECISE_BELOW_MS: Final = 10


class Bench:
    """One run: the AWS, where files go, and how long each cell is measured."""

    def __init__(self, aws: Aws, directory: Path, provider: Path | None, seconds: float) -> None:
        self.aws, self.seconds = aws, seconds
        self._directory, self._provider = directory, provider
        self._count = 0

    @property
    def has_provider(self) -> bool:
        """Whether AWS's provider takes part."""
        return self._provider is not None

    def programs(self, stack: ExitStack, *, ttl_seconds: int) -> dict[str, Program]:
        """Start every cache that is compared."""
        own = self._directory / str(self._count)
        own.mkdir()
        self._count += 1
        sidecar = running_sidecar(own, self.aws, ttl_seconds=ttl_seconds)
        programs = {SIDECAR: stack.enter_context(sidecar)}
        if self._provider is not None:
            provider = running_provider(self._provider, own, self.aws, ttl_seconds=ttl_seconds)
            programs[PROVIDER] = stack.enter_context(provider)
        return programs

    def bare(self, stack: ExitStack, bodies: Mapping[str, bytes]) -> dict[str, Program]:
        """Start the servers that do nothing but answer."""
        handler = running_bare("aiohttp", self._directory, bodies)
        return {BARE: stack.enter_context(handler)}


def measured(target: Target, *, connections: int, seconds: float) -> Sample:
    """Load a program, after a moment to get warm; a failure makes the figures worthless."""
    if seconds:
        asyncio.run(load(target, connections=connections, seconds=seconds / 10))
    sample = asyncio.run(load(target, connections=connections, seconds=seconds))
    if sample.failures:
        raise RuntimeError(f"{sample.failures} requests failed")
    return sample


def hits(bench: Bench) -> Iterator[str]:
    """Measure reads of a secret that is held."""
    for name in SIZES:
        bench.aws.put(name, int(name))
    labels = [SIDECAR, BARE, *([PROVIDER] if bench.has_provider else []), LIMIT, NO_CACHE]
    yield f"| secret | connections | {' | '.join(labels)} |"
    yield f"|---|---|{'---|' * len(labels)}"
    with ExitStack() as stack:
        programs = bench.programs(stack, ttl_seconds=3600)
        bodies = {name: programs[SIDECAR].read(name) for name in SIZES}
        programs = {**bench.bare(stack, bodies), **programs}
        for name in SIZES:
            sockets = running_bare("sockets", bench._directory, {name: bodies[name]})  # noqa: SLF001 - its own file
            with sockets as limit:
                for connections in CONNECTIONS:
                    samples = _cell(bench, name, connections, {**programs, LIMIT: limit})
                    shown = [_in_short(samples.get(label)) for label in labels]
                    yield f"| {SIZES[name]} | {connections} | {' | '.join(shown)} |"


def _cell(
    bench: Bench, name: str, connections: int, programs: Mapping[str, Program]
) -> dict[str, Sample]:
    rounds: dict[str, list[Sample]] = {label: [] for label in programs}
    seconds = bench.seconds / _TURNS
    for _ in range(_TURNS):
        for label, program in programs.items():
            target = program.target(name)
            rounds[label].append(measured(target, connections=connections, seconds=seconds))
    if connections < max(CONNECTIONS):
        rounds[NO_CACHE] = [_without_cache(bench, name, connections)]
    return {label: pooled(each) for label, each in rounds.items()}


def _in_short(sample: Sample | None) -> str:
    if sample is None:
        return ""
    return f"{sample.rate:,.0f}/s, {_ms(sample.median)}, {_ms(sample.p99)}"


def _without_cache(bench: Bench, name: str, connections: int) -> Sample:
    clients = [bench.aws.connect() for _ in range(connections)]
    deadline = time.perf_counter() + bench.seconds

    def ask(client: object) -> list[float]:
        latencies = []
        while (begin := time.perf_counter()) < deadline:
            bench.aws.get(client, name)
            latencies.append(time.perf_counter() - begin)
        return latencies

    with ThreadPoolExecutor(connections) as pool:
        found = [each for latencies in pool.map(ask, clients) for each in latencies]
    return Sample(found, bench.seconds)


def memory(bench: Bench) -> Iterator[str]:
    """Measure what a thousand secrets of 4 kB take."""
    names = [f"held/{number}" for number in range(_HELD)]
    for name in names:
        bench.aws.put(name, 4096)
    yield "| program | resident at start | with 1,000 secrets of 4 kB | a secret |"
    yield "|---|---|---|---|"
    with ExitStack() as stack:
        for label, program in bench.programs(stack, ttl_seconds=3600).items():
            before = program.memory_kib()
            for name in names:
                program.read(name)
            after = program.memory_kib()
            yield (
                f"| {label} | {before / 1024:.0f} MiB | {after / 1024:.0f} MiB "
                f"| {(after - before) / _HELD:.1f} KiB |"
            )


def herd(bench: Bench) -> Iterator[str]:
    """Let many ask at once for a secret that nobody holds."""
    bench.aws.put("herd", 4096)
    bench.aws.delay(_UPSTREAM_MS)
    yield "| program | calls of AWS | median | p99 | last |"
    yield "|---|---|---|---|---|"
    with ExitStack() as stack:
        for label, program in bench.programs(stack, ttl_seconds=3600).items():
            bench.aws.count()
            sample = measured(program.target("herd"), connections=_HERD, seconds=0)
            yield (
                f"| {label} | {bench.aws.count()} | {_ms(sample.median)} | {_ms(sample.p99)} "
                f"| {_ms(sample.longest)} |"
            )


def expiry(bench: Bench) -> Iterator[str]:
    """Read a secret all the time whose time to live is two seconds."""
    bench.aws.put("expiring", 4096)
    bench.aws.delay(_UPSTREAM_MS)
    yield "| program | calls of AWS | median | p99 | longest |"
    yield "|---|---|---|---|---|"
    with ExitStack() as stack:
        for label, program in bench.programs(stack, ttl_seconds=2).items():
            program.read("expiring")
            bench.aws.count()
            target = program.target("expiring")
            sample = measured(target, connections=16, seconds=_EXPIRY_SECONDS)
            yield (
                f"| {label} | {bench.aws.count()} | {_ms(sample.median)} | {_ms(sample.p99)} "
                f"| {_ms(sample.longest)} |"
            )


def renewal(bench: Bench) -> Iterator[str]:
    """Change a value, say so at the admin door, and read until the new one comes."""
    bench.aws.put("changing", 32)
    bench.aws.delay(0)
    with ExitStack() as stack:
        program = bench.programs(stack, ttl_seconds=3600)[SIDECAR]
        program.read("changing")
        taken = [_until_new(bench, program, number) for number in range(_ROUNDS)]
    yield f"| median of {_ROUNDS} | longest |"
    yield "|---|---|"
    sample = Sample(taken, 1)
    yield f"| {_ms(sample.median)} | {_ms(sample.longest)} |"


def _until_new(bench: Bench, program: Program, number: int) -> float:
    # The door takes one word a second.
    time.sleep(1.1)
    value = f"value-{number}"
    bench.aws.change("changing", value)
    invalidate = Target(program.admin_port, _post("/invalidate?secretId=bench/changing"))
    begin = time.perf_counter()
    measured(invalidate, connections=1, seconds=0)
    while value.encode() not in program.read("changing"):
        pass
    return time.perf_counter() - begin


def _post(path: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()


def _ms(seconds: float) -> str:
    milliseconds = seconds * 1000
    return f"{milliseconds:.{2 if milliseconds < _PRECISE_BELOW_MS else 0}f} ms"


SCENARIOS: Final[Mapping[str, Callable[[Bench], Iterator[str]]]] = {
    each.__name__: each for each in (hits, memory, herd, expiry, renewal)
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--provider", type=Path, help="an aws-workload-credentials-provider")
    parser.add_argument("--seconds", type=float, default=2, help="for each cell")
    arguments = parser.parse_args()
    say = sys.stdout.write
    say(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as directory, running_aws() as aws:
        bench = Bench(aws, Path(directory), arguments.provider, arguments.seconds)
        for name in arguments.scenario or SCENARIOS:
            say(f"\n### {name}\n\n")
            for line in SCENARIOS[name](bench):
                say(f"{line}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
