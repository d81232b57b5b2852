"""Secrets that are read with a role which the request names, from the configuration to AWS."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start, Until

ASSUME = "sts.AssumeRole"
READERS = ("reader-1", "reader-2", "reader-3")


def _policy(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})


@pytest.fixture(scope="module")
def readers(shared_aws: "Aws") -> Iterator[tuple[str, ...]]:
    """Give the ARNs of roles that trust the demo's role and may read every secret."""
    iam = shared_aws.client("iam")
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    trust = _policy(Principal={"AWS": shared_aws.stage.role_arn}, Action=actions)
    arns = []
    for name in READERS:
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        allowed = _policy(Action="secretsmanager:GetSecretValue", Resource="*")
        iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=allowed)
        arns.append(made["Role"]["Arn"])
    yield tuple(arns)
    for name in READERS:
        iam.delete_role_policy(RoleName=name, PolicyName="read")
        iam.delete_role(RoleName=name)


@pytest.fixture
def variables(aws: "Aws", variables: dict[str, str]) -> dict[str, str]:
    """Let the app name the readers, and roles that there are not."""
    scope = aws.stage.role_arn.rpartition("/")[0]
    return variables | {
        "SIDECAR_APPS_WEB_ASSUME_ROLES": f"{scope}/reader-*,{scope}/missing",
        "SIDECAR_SECRETS_MAX_ROLES": "2",
    }


def _no_client(arn: str) -> dict[str, str]:
    message = f"Failed to create caching client from role: {arn}"
    return {"__type": "AccessDeniedException", "message": message}


async def test_a_secret_is_read_with_the_role_that_was_named(
    aws: "Aws", warm: "Doors", readers: tuple[str, ...]
) -> None:
    name = aws.new_secret("hunter2")
    for _ in range(2):
        status, secret = await warm.secret(f"{name}?roleArn={readers[0]}")
        assert (status, secret["SecretString"]) == (200, "hunter2")
    assert aws.emulator.calls()[ASSUME] == 1
    assert aws.emulator.calls()["secretsmanager.GetSecretValue"] == 1


async def test_a_role_that_the_app_may_not_name_is_not_assumed(
    aws: "Aws", start: "Start", until: "Until", readers: tuple[str, ...]
) -> None:
    doors = await start(SIDECAR_APPS_WEB_ASSUME_ROLES=readers[1])
    await until(doors.ready)
    name = aws.new_secret("hunter2")
    assert await doors.secret(f"{name}?roleArn={readers[0]}") == (403, _no_client(readers[0]))
    assert ASSUME not in aws.emulator.calls()
    assert (await doors.secret(f"{name}?roleArn={readers[1]}"))[0] == 200


async def test_a_configured_role_of_the_app_is_taken_as_it_is(aws: "Aws", warm: "Doors") -> None:
    name = aws.new_secret("hunter2")
    assert (await warm.secret(f"{name}?roleArn={aws.stage.role_arn}"))[0] == 200
    assert ASSUME not in aws.emulator.calls()


async def test_a_role_that_cannot_be_assumed_is_no_storm_at_sts(aws: "Aws", warm: "Doors") -> None:
    arn = f"{aws.stage.role_arn.rpartition('/')[0]}/missing"
    name = aws.new_secret("hunter2")
    for _ in range(5):
        assert await warm.secret(f"{name}?roleArn={arn}") == (403, _no_client(arn))
    assert aws.emulator.calls()[ASSUME] == 1
    assert (await warm.secret(name))[0] == 200


@pytest.mark.parametrize("fault", [{"status": 503}, {"body": "<html>"}])
async def test_an_sts_that_cannot_be_asked_is_told_in_the_same_words(
    fault: dict[str, object], aws: "Aws", warm: "Doors", readers: tuple[str, ...]
) -> None:
    name = aws.new_secret("hunter2")
    aws.emulator.set_faults(Fault.parse({"service": "sts", **fault}))
    answer = await warm.secret(f"{name}?roleArn={readers[0]}")
    assert answer == (403, _no_client(readers[0]))


async def test_more_roles_than_are_held_are_served_all_the_same(
    aws: "Aws", warm: "Doors", readers: tuple[str, ...]
) -> None:
    name = aws.new_secret("hunter2")
    for arn in (*readers, *readers):
        assert (await warm.secret(f"{name}?roleArn={arn}"))[0] == 200
    assert aws.emulator.calls()[ASSUME] == 6


async def test_a_held_value_is_served_when_its_role_can_be_assumed_no_more(
    aws: "Aws",
    start: "Start",
    until: "Until",
    clock_of_today: "ManualClock",
    readers: tuple[str, ...],
) -> None:
    doors = await start(clock_of_today)
    await until(doors.ready)
    name = aws.new_secret("hunter2")
    target = f"{name}?roleArn={readers[0]}"
    held = await doors.secret(target)
    assert held[0] == 200
    aws.emulator.set_faults(Fault("sts", status=403, code="AccessDenied"))
    await clock_of_today.advance(3 * 3600)
    assert await doors.secret(target) == held
    assert await doors.secret(f"{name}?roleArn={readers[1]}") == (403, _no_client(readers[1]))
