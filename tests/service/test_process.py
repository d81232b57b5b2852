"""`sidecar serve` as a process: what it prints, how it starts without AWS, how it ends."""

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.service.conftest import Gate, ServeHere, Until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_requests_under_way_finish_and_ends_with_0(
    number: signal.Signals, aws: "Aws", serve_here: "ServeHere", until: "Until"
) -> None:
    name = aws.new_secret("hunter2")
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", latency_ms=700))
    with serve_here() as served:
        asking = asyncio.create_task(served.doors.secret(name))

        async def under_way() -> bool:
            return "secretsmanager.GetSecretValue" in aws.emulator.calls()

        await until(under_way)
        served.process.process.send_signal(number)
        status, body = await asking
        assert (status, body["SecretString"]) == (200, "hunter2")
        assert await asyncio.to_thread(served.process.process.wait, 30) == 0


async def test_500_clients_of_a_cold_secret_cause_one_call(
    aws: "Aws", serve_here: "ServeHere", until: "Until"
) -> None:
    name = aws.new_secret("hunter2")
    with serve_here() as served:
        await until(served.doors.ready)
        aws.emulator.clear_calls()
        aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", latency_ms=300))
        replies = await asyncio.gather(*(served.doors.secret(name) for _ in range(500)))
    found = Counter((status, body["SecretString"]) for status, body in replies)
    assert found == {(200, "hunter2"): 500}
    assert aws.emulator.calls()["secretsmanager.GetSecretValue"] == 1


async def test_it_serves_with_aws_down_and_gets_ready_when_it_is_back(
    gate: "Gate", serve_here: "ServeHere", until: "Until"
) -> None:
    await gate.shut()
    with serve_here() as served:
        assert list(served.doors.urls) == ["credentials", "secrets", "aws_api", "admin"]
        assert (await served.doors.readiness())[0] == 503

        async def told() -> bool:
            waits_for = await served.doors.waits_for()
            return "connection refused" in waits_for["role default"]

        await until(told)
        await gate.open()
        await until(served.doors.ready)
        assert await asyncio.to_thread(served.process.end) == 0
    lines = served.process.log.read_text()
    assert "no new session, attempt 1: no answer from http://127.0.0.1:" in lines
    assert "Traceback" not in lines
