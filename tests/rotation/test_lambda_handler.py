"""Secrets Manager of the emulator calls the function as AWS does, and the key is rotated."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import pytest

from sidecar.errors import BadRequest, ConfigError, Forbidden
from sidecar.rotation import lambda_handler
from sidecar.rotation.event import RotationEvent
from sidecar.rotation.lambda_handler import Settings, handler, reap_handler
from tests.conftest import Aws
from tests.rotation.conftest import Legacy

FUNCTION: Final = "arn:aws:lambda:us-east-1:123456789012:function:rotate"
ARN: Final = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf"
EVENT: Final = {"Step": "createSecret", "SecretId": ARN, "ClientRequestToken": "t" * 36}
New = Callable[..., Legacy]


@pytest.fixture
def function(aws: Aws, legacy: New, monkeypatch: pytest.MonkeyPatch) -> Legacy:
    """Give a user whose secret the handler rotates, in an environment like a Lambda's."""
    batch, administrator = legacy(), aws.emulator.administrator
    variables = {
        "SECRET_ARN": batch.arn,
        "USER_NAME": batch.user,
        "GRACE_HOURS": "24",
        "AWS_ENDPOINT_URL": aws.emulator.url,
        "AWS_ACCESS_KEY_ID": administrator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": administrator.secret_access_key.reveal(),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(lambda_handler, "time", SimpleNamespace(sleep=lambda _: None))
    aws.emulator.register_function(FUNCTION, handler)
    return batch


def rotate(aws: Aws, batch: Legacy, **more: Any) -> list[str]:
    """Have Secrets Manager rotate, and give the names of the events that came of it."""
    before = len(aws.emulator.rotation_events())
    batch.manager.rotate_secret(SecretId=batch.arn, RotationLambdaARN=FUNCTION, **more)
    aws.emulator.wait_for_rotations()
    return [each["eventName"] for each in aws.emulator.rotation_events()[before:]]


def test_secrets_manager_rotates_the_key_with_it(aws: Aws, function: Legacy) -> None:
    assert rotate(aws, function) == ["RotationStarted", "RotationSucceeded"]
    first = function.named_by("AWSCURRENT")
    assert rotate(aws, function) == ["RotationStarted", "RotationSucceeded"]
    assert function.named_by("AWSPREVIOUS") == first
    assert function.keys() == {function.named_by("AWSCURRENT"): "Active", first: "Active"}


def test_within_the_grace_the_rotation_fails_and_both_keys_live(aws: Aws, function: Legacy) -> None:
    rotate(aws, function)
    rotate(aws, function)
    before = function.keys()
    assert rotate(aws, function)[-1] == "RotationFailed"
    assert function.keys() == before


def test_setting_it_up_without_rotating_tries_the_current_key(aws: Aws, function: Legacy) -> None:
    rotate(aws, function)
    names = rotate(aws, function, RotateImmediately=False)
    assert names == ["TestRotationStarted", "TestRotationSucceeded"]
    assert len(function.keys()) == 1


def test_the_reaper_s_handler_notes_when_the_grace_began(
    aws: Aws, function: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate(aws, function)
    rotate(aws, function)
    reap_handler({}, None)
    assert set(function.keys().values()) == {"Active"}


@pytest.mark.usefixtures("function")
def test_an_event_about_another_secret_is_refused() -> None:
    with pytest.raises(Forbidden, match="does not rotate the secret of the event"):
        handler(EVENT, None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Step": "deleteSecret"}, "unknown step"),
        ({"Step": None}, "Step: a text is expected"),
        ({"SecretId": ""}, "SecretId: a text"),
        ({"ClientRequestToken": "short"}, "32 to 64 characters"),
        ({"RotationToken": 7}, "RotationToken: a text"),
    ],
)
@pytest.mark.usefixtures("function")
def test_an_event_that_is_none_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        handler(EVENT | change, None)


@pytest.mark.parametrize("spelling", ["create_secret", "createSecret"])
def test_both_spellings_of_a_step_are_understood(spelling: str) -> None:
    event = RotationEvent.parse(EVENT | {"Step": spelling, "RotationToken": "canary"})
    assert event.step.value == "createSecret"
    assert "canary" not in repr(event)


def test_every_variable_that_is_wrong_is_named() -> None:
    wrong = {"SECRET_ARN": "x", "GRACE_HOURS": "soon", "RECOVERY_HOURS": "0"}
    with pytest.raises(ConfigError) as refused:
        Settings.read(wrong)
    assert [each.where for each in refused.value.problems] == [
        "SECRET_ARN",
        "USER_NAME",
        "GRACE_HOURS",
        "RECOVERY_HOURS",
    ]


def test_a_service_s_own_endpoint_goes_before_the_common_one(
    aws: Aws, function: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.emulator.url)
    for service in ("IAM", "STS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", aws.emulator.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert rotate(aws, function)[-1] == "RotationSucceeded"
