"""A server whose stdout nobody reads: it goes on answering, and ends when it is told to."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest

PATIENCE_SECONDS = 30
# Puts down a thousand events for each connection, and answers how many were lost so far.
SERVER = """
import asyncio, signal, sys
from datetime import UTC, datetime
from sidecar.audit.event import AuditEvent, Result
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail import running_trail
from sidecar.clock import SystemClock

async def main():
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with running_trail(Stdout(chained=True), SystemClock()) as trail:
        async def answer(reader, writer):
            now = datetime.now(UTC)
            for _ in range(1000):
                trail.record(AuditEvent(time=now, door="x", action="Get", result=Result.GRANTED))
            writer.write(b"%d" % trail.dropped)
            writer.close()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await stopped.wait()

asyncio.run(main())
"""


@pytest.fixture
def process() -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        yield running
        running.kill()


def _stdout(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _dropped(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        return int(connection.recv(20))


def test_a_server_whose_stdout_nobody_reads_goes_on_and_ends_in_time(
    process: "subprocess.Popen[bytes]",
) -> None:
    port = int(_stdout(process).readline())
    dropped = [_dropped(port) for _ in range(40)]
    assert dropped[0] == 0
    assert 40_000 > dropped[-1] > dropped[20] > 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0


def test_a_server_whose_reader_comes_back_tells_what_is_missing(
    process: "subprocess.Popen[bytes]",
) -> None:
    output = _stdout(process)
    port = int(output.readline())
    dropped = [_dropped(port) for _ in range(20)][-1]
    process.send_signal(signal.SIGTERM)
    events = [json.loads(line) for line in output]
    assert sum(each.get("dropped", 0) for each in events) == dropped > 0
    assert sum("result" in each for each in events) == 20_000 - dropped
    assert process.wait(PATIENCE_SECONDS) == 0


def test_a_server_whose_reader_is_gone_goes_on(process: "subprocess.Popen[bytes]") -> None:
    output = _stdout(process)
    port = int(output.readline())
    output.close()
    assert [_dropped(port) for _ in range(20)][-1] > 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert process.stderr is not None
    assert process.stderr.read().count(b"Broken pipe") == 1
