"""Settings of Roles Anywhere: what may be set, and that nothing wrong changes anything."""

import math
from typing import Any

import pytest

from sidecar.emulator.roles_anywhere.quotas import AWS_QUOTAS
from sidecar.emulator.roles_anywhere.settings import Settings, Switches


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, Settings()),
        ({"strict": False}, Settings(strict=False)),
        ({"quotas": True}, Settings(quotas=AWS_QUOTAS)),
        ({"quotas": False}, Settings()),
        ({"quotas": {"create_session": 0.5}}, Settings(quotas={"create_session": 0.5})),
        ({"strict": False, "quotas": {}}, Settings(strict=False)),
    ],
)
def test_settings_from_json(value: object, expected: Settings) -> None:
    assert Settings().changed(value) == expected


WRONG: list[tuple[object, str]] = [
    ([], "settings are an object with strict, quotas or both"),
    ({"lenient": True}, "unknown member 'lenient'; there are strict and quotas"),
    ({"strict": 1}, "strict must be true or false, not 1"),
    ({"quotas": 10}, "quotas must be true, false or an object of rates, not 10"),
    ({"quotas": {"sessions": 1}}, "unknown quota 'sessions'; there are create_session, "),
    ({"quotas": {"tags": "1"}}, "quota tags must be requests a second, not '1'"),
    ({"quotas": {"tags": True}}, "quota tags must be requests a second, not True"),
    ({"quotas": {"tags": 0}}, "quota tags must be more than 0, not 0"),
    ({"quotas": {"tags": math.inf}}, "quota tags must be more than 0, not inf"),
    ({"quotas": {"tags": math.nan}}, "quota tags must be more than 0, not nan"),
]


@pytest.mark.parametrize(("value", "text"), WRONG)
def test_wrong_settings_say_what_is_wrong_and_change_nothing(value: Any, text: str) -> None:
    switches = Switches(Settings())
    with pytest.raises(ValueError, match=r"\w") as caught:
        switches.change(value)
    assert str(caught.value).startswith(text)
    assert switches.settings == Settings()


def test_a_change_leaves_the_other_setting_and_a_reset_neither() -> None:
    switches = Switches(Settings(strict=False))
    switches.change({"quotas": {"tags": 2}})
    assert switches.settings == Settings(strict=False, quotas={"tags": 2})
    switches.change({"strict": True})
    assert switches.settings == Settings(quotas={"tags": 2})
    switches.reset()
    assert switches.settings == Settings(strict=False)
