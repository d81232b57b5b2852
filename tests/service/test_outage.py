"""After warm-up AWS may fail in any way: what is held is served, and at once."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Gate, Start, Until

# Less than the second after which the tightest SDKs give up.
AT_ONCE_SECONDS = 0.9
GET_SECRET = "secretsmanager.GetSecretValue"
CREATE_SESSION = "rolesanywhere.CreateSession"
FAULTS = [
    pytest.param({"status": 503}, id="unavailable"),
    pytest.param({"status": 500}, id="server error"),
    pytest.param({"status": 400, "code": "ThrottlingException"}, id="throttling"),
    pytest.param({"hang": True}, id="hanging"),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_while_aws_fails_what_is_held_is_served_without_waiting(
    fault: dict[str, "int | str | bool"], aws: "Aws", warm: "Doors"
) -> None:
    name = aws.new_secret("hunter2")
    before = await warm.credentials(), await warm.secret(name)
    aws.emulator.clear_calls()
    services = ("rolesanywhere", "secretsmanager", "sts")
    aws.emulator.set_faults(*(Fault.parse({"service": each, **fault}) for each in services))
    async with asyncio.timeout(AT_ONCE_SECONDS):
        after = await warm.credentials(), await warm.secret(name)
    assert after == before
    assert (aws.emulator.calls(), await warm.ready()) == ({}, True)


async def test_with_aws_gone_what_is_held_is_served_and_it_recovers_without_restart(
    aws: "Aws", gate: "Gate", warm: "Doors", until: "Until"
) -> None:
    held, other = aws.new_secret("hunter2"), aws.new_secret("s3cr3t")
    before = await warm.credentials(), await warm.secret(held)
    await gate.shut()
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert (await warm.credentials(), await warm.secret(held)) == before
    status, body = await warm.secret(other)
    assert (status, body["__type"]) == (502, "ConnectionError")
    await gate.open()

    async def recovered() -> bool:
        status, body = await warm.secret(other)
        return status == 200 and body["SecretString"] == "s3cr3t"

    # A failure is remembered for a moment.
    await until(recovered)


@pytest.fixture
async def warm_by_hand(start: "Start", until: "Until", clock_of_today: "ManualClock") -> "Doors":
    """Give a sidecar on the hand-moved clock, with sessions of a quarter of an hour."""
    doors = await start(clock_of_today, SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS="900")
    await until(doors.ready)
    return doors


async def test_a_session_is_renewed_ahead_of_need(
    aws: "Aws", warm_by_hand: "Doors", until: "Until", clock_of_today: "ManualClock"
) -> None:
    first = (await warm_by_hand.credentials())[1]
    await clock_of_today.advance(170)
    assert (await warm_by_hand.credentials())[1] == first
    await clock_of_today.advance(105)

    async def renewed() -> bool:
        _, body = await warm_by_hand.credentials()
        return bool(body["AccessKeyId"] != first["AccessKeyId"])

    await until(renewed)
    assert aws.emulator.calls()[CREATE_SESSION] == 2


async def test_the_last_session_is_served_until_it_expires_and_not_longer(
    aws: "Aws", warm_by_hand: "Doors", until: "Until", clock_of_today: "ManualClock"
) -> None:
    first = await warm_by_hand.credentials()
    fault = Fault("rolesanywhere", "CreateSession", status=503, code="ServiceUnavailable")
    aws.emulator.set_faults(fault)
    await clock_of_today.advance(880)
    assert await warm_by_hand.credentials() == first
    await clock_of_today.advance(60)

    async def told() -> bool:
        status, body = await warm_by_hand.credentials()
        assert (status, body["Code"]) == (503, "CredentialsUnavailable")
        return "injected fault" in body["Message"]

    await until(told)
    assert (await warm_by_hand.readiness())[0] == 503


async def test_a_held_secret_outlives_its_freshness_while_aws_throttles(
    aws: "Aws", warm_by_hand: "Doors", clock_of_today: "ManualClock"
) -> None:
    name = aws.new_secret("hunter2")
    before = await warm_by_hand.secret(name)
    throttled = Fault("secretsmanager", "GetSecretValue", status=400, code="ThrottlingException")
    aws.emulator.set_faults(throttled)
    await clock_of_today.advance(200)
    clock_of_today.jump(101)
    assert await warm_by_hand.secret(name) == before
    calls = aws.emulator.calls()[GET_SECRET]
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert await warm_by_hand.secret(name) == before
    assert aws.emulator.calls()[GET_SECRET] == calls


async def test_a_value_that_nobody_read_for_long_waits_half_a_second_for_a_hanging_aws_at_most(
    aws: "Aws", start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> None:
    more = {"SIDECAR_SECRETS_TTL_SECONDS": "2", "SIDECAR_SECRETS_KEEP_WARM_SECONDS": "0"}
    doors = await start(clock_of_today, **more)
    await until(doors.ready)
    name = aws.new_secret("hunter2")
    before = await doors.secret(name)
    aws.emulator.clear_calls()
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", hang=True))

    async def asked() -> bool:
        return GET_SECRET in aws.emulator.calls()

    clock_of_today.jump(6)
    asking = [asyncio.create_task(doors.secret(name)) for _ in range(5)]
    await until(asked)
    await clock_of_today.advance(0.4)
    assert not any(each.done() for each in asking)
    await clock_of_today.advance(0.1)
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert await asyncio.gather(*asking) == [before] * 5
        # Nobody waits again while that call goes on.
        assert await doors.secret(name) == before


async def test_a_deleted_secret_is_not_served_once_its_time_is_over(
    aws: "Aws", warm_by_hand: "Doors", clock_of_today: "ManualClock"
) -> None:
    name = aws.new_secret("hunter2")
    assert (await warm_by_hand.secret(name))[0] == 200
    manager = aws.client("secretsmanager")
    manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    clock_of_today.jump(301)
    _, body = await warm_by_hand.secret(name)
    assert body["__type"] == "ResourceNotFoundException"


async def test_readiness_warns_of_what_works_still(
    aws: "Aws", gate: "Gate", start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> None:
    doors = await start(clock_of_today)
    await until(doors.ready)
    assert (await doors.readiness())[1]["warnings"] == {}
    await gate.shut()
    clock_of_today.jump(3000)

    async def warned() -> bool:
        await clock_of_today.advance(1)
        status, body = await doors.readiness()
        return status == 200 and body["warnings"].get("role default", "").startswith("not renewed")

    await until(warned)
    clock_of_today.jump(6 * 86400)
    found = (await doors.readiness())[1]["warnings"]
    assert [key for key in found if key.startswith("identity ")] == ["identity expires-soon"]


async def test_readiness_counts_the_values_that_are_served_as_they_are(
    aws: "Aws", start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> None:
    doors = await start(clock_of_today)
    await until(doors.ready)
    name = aws.new_secret("hunter2")
    await doors.secret(name)
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", status=503))

    async def warned() -> bool:
        await clock_of_today.advance(30)
        return "secrets" in (await doors.readiness())[1]["warnings"]

    await until(warned)
    assert (await doors.readiness())[1]["warnings"]["secrets"] == "1 not renewed: see the log"
    assert (await doors.secret(name))[1]["SecretString"] == "hunter2"
    aws.emulator.set_faults()

    async def renewed() -> bool:
        return not await warned()

    await until(renewed)
