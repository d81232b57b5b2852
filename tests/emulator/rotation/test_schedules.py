"""A schedule says when the next rotation is, and starts it when service time has come so far."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

DAY = 86_400
WEEKLY = {"AutomaticallyAfterDays": 7}


def described(secret: Any) -> Any:
    return secret.client.describe_secret(SecretId=secret.name)


def pass_days(emulator: Emulator, days: float) -> None:
    emulator.move_clock(days * DAY)
    emulator.wait_for_rotations()


@pytest.mark.parametrize(
    "rules", [WEEKLY, {"ScheduleExpression": "rate(7 days)", "Duration": "3h"}]
)
def test_the_rules_and_the_dates_are_told(
    new_rotating: Any, today: datetime, rules: dict[str, Any]
) -> None:
    secret = new_rotating()
    assert "NextRotationDate" not in described(secret)
    secret.rotate(RotationRules=rules)
    found = described(secret)
    assert (found["RotationEnabled"], found["RotationLambdaARN"]) == (True, secret.function)
    assert found["RotationRules"] == rules
    assert abs(found["NextRotationDate"] - today - timedelta(days=7)) < timedelta(hours=1)
    assert abs(found["LastRotatedDate"] - today) < timedelta(hours=1)


def test_a_schedule_alone_changes_no_version_and_has_no_last_date(new_rotating: Any) -> None:
    secret = new_rotating()
    before = secret.stages
    secret.rotate(RotationRules=WEEKLY, RotateImmediately=False)
    found = described(secret)
    assert (secret.stages, "NextRotationDate" in found) == (before, True)
    assert "LastRotatedDate" not in found


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"AutomaticallyAfterDays": 1001}, "ValidationException"),
        ({"AutomaticallyAfterDays": 0}, "ValidationException"),
        ({"ScheduleExpression": "rate(3 hours)"}, "InvalidParameterException"),
        ({**WEEKLY, "ScheduleExpression": "rate(7 days)"}, "InvalidParameterException"),
    ],
)
def test_bad_rules_are_refused_and_change_nothing(
    new_rotating: Any, refusal: Any, rules: dict[str, Any], code: str
) -> None:
    secret = new_rotating()
    wish = {"SecretId": secret.name, "RotationLambdaARN": secret.function}
    assert refusal(secret.client.rotate_secret, **wish, RotationRules=rules)[:2] == (400, code)
    assert "RotationEnabled" not in described(secret)
    assert secret.steps == []


def test_a_rotation_starts_when_it_is_due_and_not_before(
    new_rotating: Any, emulator: Emulator
) -> None:
    secret = new_rotating()
    secret.rotate(RotationRules=WEEKLY)
    pass_days(emulator, 6.9)
    assert secret.steps.count("finishSecret") == 1
    pass_days(emulator, 7.1)
    assert secret.steps.count("finishSecret") == 2
    assert described(secret)["NextRotationDate"].timestamp() == pytest.approx(
        emulator.control.clock.now().timestamp() + 7 * DAY, abs=60
    )


def test_rotations_that_were_missed_are_made_up_for_once(
    new_rotating: Any, emulator: Emulator
) -> None:
    secret = new_rotating()
    secret.rotate(RotationRules=WEEKLY)
    pass_days(emulator, 70)
    assert secret.steps.count("finishSecret") == 2


def test_a_value_put_by_hand_counts_as_a_rotation(new_rotating: Any, emulator: Emulator) -> None:
    secret = new_rotating()
    secret.rotate(RotationRules=WEEKLY)
    emulator.move_clock(5 * DAY)
    secret.client.put_secret_value(SecretId=secret.name, SecretString="by hand")
    pass_days(emulator, 8)
    assert secret.value == "by hand"
    pass_days(emulator, 12.1)
    assert secret.value != "by hand"


def test_what_is_turned_off_does_not_rotate(new_rotating: Any, emulator: Emulator) -> None:
    secret = new_rotating()
    secret.rotate(RotationRules=WEEKLY)
    secret.client.cancel_rotate_secret(SecretId=secret.name)
    pass_days(emulator, 30)
    assert secret.steps.count("finishSecret") == 1


def test_after_a_failure_the_date_has_passed_and_a_day_later_it_is_tried_again(
    new_rotating: Any, least: Any, emulator: Emulator
) -> None:
    broken: list[bool] = []

    def sometimes(secret: Any, event: dict[str, Any]) -> None:
        if broken:
            raise RuntimeError("broken")
        least(secret, event)

    secret = new_rotating(sometimes)
    secret.rotate(RotationRules=WEEKLY)
    broken.append(True)
    pass_days(emulator, 7.1)
    assert described(secret)["NextRotationDate"] < emulator.control.clock.now()
    assert secret.events[-1] == "RotationFailed"
    broken.clear()
    pass_days(emulator, 7.5)
    assert secret.events[-1] == "RotationFailed"
    pass_days(emulator, 8.2)
    assert secret.events[-1] == "RotationSucceeded"
