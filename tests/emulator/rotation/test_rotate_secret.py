"""RotateSecret: the four steps, their order, and what is there before and after."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
TOKEN = "rotation-".ljust(32, "0")
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
INCOMPLETE = "A previous rotation isn't complete. That rotation will be reattempted."


def fails(_secret: Any, _event: dict[str, Any]) -> None:
    raise RuntimeError("this function always fails")


def test_the_four_steps_run_in_order_with_the_real_event(new_rotating: Any) -> None:
    secret = new_rotating()
    answer = secret.rotate(ClientRequestToken=TOKEN)
    assert (answer["ARN"], answer["Name"], answer["VersionId"]) == (secret.arn, secret.name, TOKEN)
    assert secret.steps == STEPS
    first = secret.seen[0]
    assert set(first) == {"Step", "SecretId", "ClientRequestToken", "RotationToken"}
    assert (first["SecretId"], first["ClientRequestToken"]) == (secret.arn, TOKEN)
    assert len({event["RotationToken"] for event in secret.seen}) == 1


def test_at_the_end_the_new_version_is_current_and_nothing_is_pending(new_rotating: Any) -> None:
    secret = new_rotating()
    [old] = secret.stages
    secret.rotate(ClientRequestToken=TOKEN)
    assert secret.value == f"value for {TOKEN}"
    assert secret.stages == {TOKEN: ["AWSCURRENT"], old: ["AWSPREVIOUS"]}


def test_a_failed_step_is_tried_again_under_the_same_token(new_rotating: Any, least: Any) -> None:
    def fails_once(secret: Any, event: dict[str, Any]) -> None:
        if event["Step"] == "setSecret" and secret.steps.count("setSecret") == 1:
            raise RuntimeError("not this time")
        if event["Step"] != "createSecret" or secret.steps.count("createSecret") == 1:
            least(secret, event)

    secret = new_rotating(fails_once)
    secret.rotate()
    assert secret.steps == ["createSecret", "setSecret", *STEPS]
    assert len({event["ClientRequestToken"] for event in secret.seen}) == 1
    assert secret.events == ["RotationStarted", "RotationSucceeded"]


@pytest.mark.parametrize("attempts", [1, 4])
def test_a_rotation_that_fails_as_often_as_it_is_tried_has_failed(
    new_rotating: Any, emulator: Emulator, attempts: int
) -> None:
    emulator.change_rotations(attempts=attempts)
    secret = new_rotating(fails)
    secret.rotate(ClientRequestToken=TOKEN)
    emulator.change_rotations(attempts=3)
    assert secret.steps == ["createSecret"] * attempts
    assert secret.value == "first"
    assert secret.stages[TOKEN] == ["AWSPENDING"]
    assert secret.events == ["RotationStarted", "RotationFailed"]
    assert secret.details[1]["errorMessage"] == (
        f"Error when executing lambda {secret.function} during createSecret step"
    )


def test_what_is_not_complete_is_refused_and_reattempted(
    new_rotating: Any, least: Any, emulator: Emulator, refusal: Any
) -> None:
    healed: list[bool] = []

    def sometimes(secret: Any, event: dict[str, Any]) -> None:
        (least if healed else fails)(secret, event)

    secret = new_rotating(sometimes)
    secret.rotate(ClientRequestToken=TOKEN)
    healed.append(True)
    refused = refusal(secret.client.rotate_secret, SecretId=secret.name)
    assert refused == (400, "InvalidRequestException", INCOMPLETE)
    emulator.wait_for_rotations()
    assert secret.value == f"value for {TOKEN}"
    assert secret.rotate()["VersionId"] != TOKEN


def test_a_function_that_does_nothing_has_not_rotated(new_rotating: Any) -> None:
    secret = new_rotating(lambda _secret, _event: None)
    secret.rotate(ClientRequestToken=TOKEN)
    assert secret.events == ["RotationStarted", "RotationFailed"]
    assert secret.value == "first"


def test_the_same_request_again_starts_nothing(new_rotating: Any) -> None:
    secret = new_rotating()
    first = secret.rotate(ClientRequestToken=TOKEN)
    assert secret.rotate(ClientRequestToken=TOKEN)["VersionId"] == first["VersionId"]
    assert secret.steps == STEPS


def test_a_token_that_another_version_has_is_refused(new_rotating: Any, refusal: Any) -> None:
    secret = new_rotating()
    [old] = secret.stages
    secret.rotate()
    call = secret.client.rotate_secret
    assert refusal(call, SecretId=secret.name, ClientRequestToken=old)[:2] == (
        400,
        "InvalidParameterException",
    )
    assert secret.rotate(ClientRequestToken=TOKEN)["VersionId"] == TOKEN


def test_without_a_function_nothing_rotates(new_rotating: Any, refusal: Any) -> None:
    secret = new_rotating()
    for immediately in (True, False):
        call = secret.client.rotate_secret
        refused = refusal(call, SecretId=secret.name, RotateImmediately=immediately)
        assert refused == (
            400,
            "InvalidRequestException",
            "No Lambda rotation function ARN is associated with this secret.",
        )
    secret.rotate()
    secret.client.rotate_secret(SecretId=secret.name)


def test_a_function_that_is_not_there_cannot_be_invoked(new_rotating: Any, refusal: Any) -> None:
    secret = new_rotating()
    function = f"{secret.function}-of-nobody"
    call = secret.client.rotate_secret
    status, code, message = refusal(call, SecretId=secret.name, RotationLambdaARN=function)
    assert (status, code) == (400, "AccessDeniedException")
    assert message.startswith("Secrets Manager cannot invoke the specified Lambda function.")
    assert "RotationEnabled" not in secret.client.describe_secret(SecretId=secret.name)


@pytest.mark.parametrize("missing", ["secretsmanager:RotateSecret", "lambda:InvokeFunction"])
def test_the_caller_needs_permission_for_the_function_too(
    new_rotating: Any, new_user: Any, connect: Connect, refusal: Any, missing: str
) -> None:
    secret = new_rotating()
    both = {"secretsmanager:RotateSecret": secret.arn, "lambda:InvokeFunction": secret.function}
    allowed = [{"Effect": "Allow", "Action": key, "Resource": both[key]} for key in both]
    few = [each for each in allowed if each["Action"] != missing]
    wish = {"SecretId": secret.name, "RotationLambdaARN": secret.function}
    refused = refusal(connect("secretsmanager", **new_user(*few)).rotate_secret, **wish)
    assert refused[1] == "AccessDeniedException"
    assert missing in refused[2]
    assert connect("secretsmanager", **new_user(*allowed)).rotate_secret(**wish)
    secret.emulator.wait_for_rotations()


def test_a_replica_cannot_be_rotated(new_rotating: Any, connect: Connect, refusal: Any) -> None:
    secret = new_rotating()
    regions = [{"Region": "us-west-2"}]
    secret.client.replicate_secret_to_regions(SecretId=secret.name, AddReplicaRegions=regions)
    replica = connect("secretsmanager", region_name="us-west-2")
    wish = {"SecretId": secret.name, "RotationLambdaARN": secret.function}
    assert refusal(replica.rotate_secret, **wish)[1] == "InvalidParameterException"


def test_cancelling_turns_rotation_off_and_stops_the_steps(new_rotating: Any, least: Any) -> None:
    def cancels(secret: Any, event: dict[str, Any]) -> None:
        least(secret, event)
        secret.client.cancel_rotate_secret(SecretId=secret.name)

    secret = new_rotating(cancels)
    secret.rotate(RotationRules={"AutomaticallyAfterDays": 7})
    described = secret.client.describe_secret(SecretId=secret.name)
    assert (described["RotationEnabled"], "NextRotationDate" in described) == (False, False)
    assert (secret.steps, secret.value) == (["createSecret"], "first")


def test_later_only_means_that_the_function_is_tested(new_rotating: Any) -> None:
    secret = new_rotating()
    before, found = secret.stages, secret.rotate(RotateImmediately=False)
    assert secret.steps == ["testSecret"]
    assert (secret.stages, secret.value, "VersionId" in found) == (before, "first", False)
    assert secret.events == ["TestRotationStarted", "TestRotationSucceeded"]


def test_a_test_that_fails_leaves_nothing_behind_either(new_rotating: Any) -> None:
    secret = new_rotating(fails)
    before = secret.stages
    secret.rotate(RotateImmediately=False)
    assert (secret.steps, secret.stages) == (["testSecret"], before)
    assert secret.events == ["TestRotationStarted", "TestRotationFailed"]
