"""Calls that AWS refuses for a while are made again, for a while; others are not."""

from collections.abc import Mapping
from typing import Any

import pytest

from sidecar.errors import OperatorError, UpstreamRefused
from sidecar.provision.account import TAG, Account, Surrounding, open_account

_LAGGING = (("InvalidParameterValueException", "cannot be assumed"),)


class Refusing:
    """Calls that are refused so many times."""

    def __init__(self, times: int, code: str, message: str) -> None:
        self.left, self.code, self.message = times, code, message
        self.asked = 0

    def ask(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        self.asked += 1
        if self.left:
            self.left -= 1
            raise UpstreamRefused(self.message, status=400, code=self.code)
        return {"Arn": "arn:aws:iam::123456789012:user/admin", "Account": "123456789012"}

    def listed(self, *_: Any, **__: Any) -> list[Any]:
        return []


def _account(calls: Refusing, slept: list[float]) -> Account:
    place = Surrounding("123456789012", "aws", "eu-central-1")
    return Account(calls, "web", place, sleep=slept.append)


def test_a_role_that_lambda_does_not_know_yet_is_waited_for() -> None:
    calls, slept = Refusing(3, *_refusal("The role cannot be assumed by Lambda.")), list[float]()
    _account(calls, slept).patiently(_LAGGING, "lambda", "create_function")
    assert (calls.asked, slept) == (4, [2.0] * 3)


def test_waiting_ends_after_a_minute() -> None:
    calls, slept = Refusing(999, *_refusal("The role cannot be assumed by Lambda.")), list[float]()
    with pytest.raises(UpstreamRefused):
        _account(calls, slept).patiently(_LAGGING, "lambda", "create_function")
    assert sum(slept) == 60


def test_what_does_not_pass_by_itself_is_told_at_once() -> None:
    calls, slept = Refusing(1, *_refusal("Unknown runtime")), list[float]()
    with pytest.raises(UpstreamRefused):
        _account(calls, slept).patiently(_LAGGING, "lambda", "create_function")
    assert slept == []


def _refusal(message: str) -> tuple[str, str]:
    return "InvalidParameterValueException", message


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        ([{"Key": TAG, "Value": "web@eu-central-1"}], True),
        ([{"key": TAG, "value": "web@eu-central-1"}], True),
        ({TAG: "web@eu-central-1"}, True),
        ([{"Key": TAG, "Value": "other@eu-central-1"}], False),
        ({TAG: "other@eu-central-1"}, False),
        ({TAG: "web@us-east-1"}, False),
        ({TAG: "web"}, False),
        ([{"Key": "name", "Value": "web@eu-central-1"}], False),
        ([], False),
    ],
)
def test_only_the_tag_of_this_stack_makes_a_thing_ours(tags: Any, ours: bool) -> None:
    assert _account(Refusing(0, "", ""), []).owns(tags) is ours


def test_an_account_is_known_by_who_asks() -> None:
    account = open_account(Refusing(0, "", ""), "web", "eu-central-1")
    assert account.place == Surrounding("123456789012", "aws", "eu-central-1")


def test_an_answer_that_is_none_of_awss_is_refused() -> None:
    class Odd(Refusing):
        def ask(self, *_: Any, **__: Any) -> Mapping[str, Any]:
            return {"Arn": "x", "Account": "1"}

    with pytest.raises(OperatorError, match="AWS did not say who asks"):
        open_account(Odd(0, "", ""), "web", "eu-central-1")
