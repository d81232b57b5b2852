"""From the start to the first answers: one call to AWS each, however many ask."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING
from uuid import uuid4

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Gate, Reply, Start, Until

CROWD = 500
CREATE_SESSION = "rolesanywhere.CreateSession"
GET_SECRET = "secretsmanager.GetSecretValue"


async def test_the_first_session_is_made_at_start_and_before_anybody_asks(
    aws: "Aws", warm: "Doors"
) -> None:
    assert aws.emulator.calls() == {CREATE_SESSION: 1}
    status, body = await warm.credentials()
    assert (status, body["RoleArn"]) == (200, aws.stage.role_arn)
    assert aws.emulator.calls() == {CREATE_SESSION: 1}


async def test_a_crowd_at_a_cold_start_is_answered_by_one_session(
    aws: "Aws", start: "Start"
) -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", latency_ms=200))
    doors = await start()

    async def persistent() -> "Reply":
        """Ask as an SDK does: again after a 503."""
        while (reply := await doors.credentials())[0] == 503:
            pass
        return reply

    replies = await asyncio.gather(*(persistent() for _ in range(CROWD)))
    assert {status for status, _ in replies} == {200}
    assert len({body["AccessKeyId"] for _, body in replies}) == 1
    assert aws.emulator.calls()[CREATE_SESSION] == 1


async def test_a_crowd_that_wants_one_secret_causes_one_call(aws: "Aws", warm: "Doors") -> None:
    name = aws.new_secret("hunter2")
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", latency_ms=300))
    replies = await asyncio.gather(*(warm.secret(name) for _ in range(CROWD)))
    found = Counter((status, body["SecretString"]) for status, body in replies)
    assert found == {(200, "hunter2"): CROWD}
    assert aws.emulator.calls()[GET_SECRET] == 1


async def test_a_secret_can_be_asked_for_before_the_first_session(
    aws: "Aws", start: "Start"
) -> None:
    name = aws.new_secret("hunter2")
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", latency_ms=300))
    status, body = await (await start()).secret(name)
    assert (status, body["SecretString"]) == (200, "hunter2")


async def test_it_starts_while_aws_is_down_says_why_and_gets_ready_by_itself(
    gate: "Gate", start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> None:
    await gate.shut()
    doors = await start(clock_of_today)

    async def told() -> bool:
        return "connection refused" in (await doors.waits_for())["role default"]

    await until(told)
    status, body = await doors.credentials()
    assert (status, body["Code"]) == (503, "CredentialsUnavailable")
    assert "connection refused" in body["Message"]
    await gate.open()
    await clock_of_today.advance(60)
    await until(doors.ready)
    assert (await doors.credentials())[0] == 200


async def test_it_is_ready_only_when_what_shall_be_prefetched_is_held(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    name = aws.new_secret("hunter2")
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", hang=True))
    doors = await start(SIDECAR_SECRETS_PREFETCH=name)

    async def only_the_secret() -> bool:
        return await doors.waits_for() == {f"secret {name}": "not read yet"}

    await until(only_the_secret)
    aws.emulator.set_faults()
    await until(doors.ready)
    aws.emulator.clear_calls()
    assert (await doors.secret(name))[0] == 200
    assert aws.emulator.calls() == {}


async def test_it_says_why_a_secret_that_shall_be_prefetched_is_not_held(
    aws: "Aws", start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> None:
    name = f"prefetched/{uuid4().hex}"
    doors = await start(clock_of_today, SIDECAR_SECRETS_PREFETCH=name)

    async def told() -> bool:
        why = "not read yet: Secrets Manager can't find the specified secret."
        return await doors.waits_for() == {f"secret {name}": why}

    await until(told)
    aws.client("secretsmanager").create_secret(Name=name, SecretString="hunter2")

    async def ready_in_time() -> bool:
        await clock_of_today.advance(1)
        return await doors.ready()

    await until(ready_in_time)
