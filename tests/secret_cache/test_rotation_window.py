"""When a rotation is to be expected, and when it has been seen."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from sidecar.aws.secret import SecretDescription
from sidecar.secret_cache.rotation_window import Expectation, RotationWindow, rotation_window

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

Describe = Callable[..., SecretDescription]


@pytest.fixture
def describe(now: datetime) -> Describe:
    """Give a function that makes a description: rotated monthly, due in ten days."""

    def made(**changes: Any) -> SecretDescription:
        usual: dict[str, Any] = {
            "arn": "arn",
            "name": "prod/web",
            "rotation_enabled": True,
            "next_rotation": now + 10 * DAY,
            "last_rotated": now - 20 * DAY,
            "deleted": None,
            "version_ids_to_stages": {"v0": ("AWSPREVIOUS",), "v1": ("AWSCURRENT",)},
        }
        return SecretDescription(**{**usual, **changes})

    return made


@pytest.mark.parametrize(
    ("period", "ahead", "delay"),
    [
        (30 * DAY, DAY, 4 * HOUR),
        (2 * DAY, DAY, 4 * HOUR),
        (DAY, 12 * HOUR, 4 * HOUR),
        (4 * HOUR, 2 * HOUR, HOUR),
    ],
)
def test_the_window_is_as_long_as_those_of_aws_and_closes_before_the_next(
    describe: Describe, now: datetime, period: timedelta, ahead: timedelta, delay: timedelta
) -> None:
    description = describe(last_rotated=now, next_rotation=now + period)
    window = rotation_window(description)
    assert window == RotationWindow(now + period - ahead, now + period + delay)
    assert window.closes <= now + 2 * period - ahead


def test_a_secret_that_was_never_rotated_has_a_window_too(
    describe: Describe, now: datetime
) -> None:
    for last in (None, now + 11 * DAY):
        window = rotation_window(describe(last_rotated=last))
        assert window == RotationWindow(now + 9 * DAY, now + 10 * DAY + 4 * HOUR)


@pytest.mark.parametrize(
    "changes",
    [
        {"rotation_enabled": False},
        {"next_rotation": None},
        {"deleted": datetime.fromisoformat("2026-03-08T12:00:00Z")},
    ],
)
def test_what_is_not_rotated_has_no_window(describe: Describe, changes: dict[str, Any]) -> None:
    assert rotation_window(describe(**changes)) is None


def test_the_value_is_looked_at_often_only_while_the_window_is_open(
    describe: Describe, now: datetime
) -> None:
    expected = Expectation("v1").described(describe(), now)
    opens, closes = now + 9 * DAY, now + 10 * DAY + 4 * HOUR
    second = timedelta(seconds=1)
    assert [
        expected.is_due(at) for at in (now, opens - second, opens, closes - second, closes)
    ] == [False, False, True, True, False]


def test_a_new_version_ends_it(describe: Describe, now: datetime) -> None:
    expected = Expectation("v1").described(describe(), now)
    assert expected.read("v1").is_due(now + 10 * DAY)
    assert not expected.read("v2").is_due(now + 10 * DAY)


def test_a_version_that_only_the_description_knows_is_not_taken_for_the_rotation(
    describe: Describe, now: datetime
) -> None:
    described = describe(version_ids_to_stages={"v2": ("AWSCURRENT",)})
    expected = Expectation("v1").described(described, now)
    assert expected.version_id == "v2"
    assert expected.is_due(now + 10 * DAY)


@pytest.mark.parametrize(
    ("changes", "again"),
    [({}, 10 * DAY + 4 * HOUR), ({"rotation_enabled": False}, DAY)],
    ids=["rotated", "not rotated"],
)
def test_aws_is_asked_once_and_again_after_the_date(
    describe: Describe, now: datetime, changes: dict[str, Any], again: timedelta
) -> None:
    assert Expectation("v1").must_describe(now)
    expected = Expectation("v1").described(describe(**changes), now)
    assert not expected.must_describe(now + again - timedelta(seconds=1))
    assert expected.must_describe(now + again)


def test_a_date_that_passed_long_ago_is_asked_for_daily(describe: Describe, now: datetime) -> None:
    expected = Expectation("v1").described(describe(next_rotation=now - DAY), now)
    assert not expected.is_due(now)
    assert not expected.must_describe(now + DAY - timedelta(seconds=1))
    assert expected.must_describe(now + DAY)


def test_a_description_without_a_current_version_keeps_the_one_that_was_read(
    describe: Describe, now: datetime
) -> None:
    expected = Expectation("v1").described(describe(version_ids_to_stages={}), now)
    assert (expected.version_id, expected.before) == ("v1", "v1")
