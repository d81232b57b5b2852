"""What is described is made, once, and changed where it has become different."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from sidecar.aws.administrator import AdministratorCalls
from sidecar.emulator.server import Emulator
from sidecar.errors import OperatorError
from sidecar.provision.planning import Action
from tests.provision.applied.stack import Stack, inventory, lazy_zip, quick_zip
from tests.provision.wishes import USER_POLICY

NewStack = Callable[..., Stack]
_READING = ("Get", "List", "Describe")


def _changes(emulator: Emulator) -> list[str]:
    return [each for each in emulator.calls() if not each.split(".")[1].startswith(_READING)]


def test_everything_described_is_made_from_nothing(new_stack: NewStack) -> None:
    stack = new_stack()
    steps = stack.apply()
    assert {each.action for each in steps} == {Action.CREATE}
    assert len(steps) == len(stack.resources)
    assert {each.action for each in stack.plan()} == {Action.LEAVE}


def test_a_second_apply_makes_no_changing_call(
    new_stack: NewStack, provisioned_emulator: Emulator
) -> None:
    stack = new_stack()
    stack.apply()
    provisioned_emulator.wait_for_rotations()
    provisioned_emulator.clear_calls()
    stack.apply()
    assert _changes(provisioned_emulator) == []
    assert len(provisioned_emulator.calls()) > 20


def test_a_plan_changes_nothing(
    new_stack: NewStack, provisioned_emulator: Emulator, administrator: AdministratorCalls
) -> None:
    before = inventory(administrator)
    provisioned_emulator.clear_calls()
    assert {each.action for each in new_stack().plan()} == {Action.CREATE}
    assert _changes(provisioned_emulator) == []
    assert inventory(administrator) == before


@pytest.mark.parametrize(
    ("logical_id", "name", "value"),
    [
        ("Profile", "DurationSeconds", 900),
        ("TrustAnchor", "Enabled", False),
        ("WorkloadRole", "MaxSessionDuration", 7200),
        ("RotatedSecret", "Description", "another"),
        ("RotationFunction", "Timeout", 150),
        ("ReapingRule", "State", "DISABLED"),
        ("ChangeQueue", "MessageRetentionPeriod", 7200),
        ("Trail", "IsLogging", False),
        ("RotationLogs", "RetentionInDays", 30),
        ("RotationFunctionAlarm", "Period", 600),
        ("RotationPermission", "SourceAccount", "111122223333"),
    ],
)
def test_a_property_that_has_changed_is_changed_and_nothing_else(
    stack: Stack, logical_id: str, name: str, value: object
) -> None:
    changed = _with(stack, logical_id, name, value)
    steps = [each for each in changed.apply() if each.action is not Action.LEAVE]
    assert [(each.wanted.logical_id, each.changed) for each in steps] == [
        (logical_id, frozenset({name}))
    ]
    assert {each.action for each in changed.plan()} == {Action.LEAVE}


@pytest.mark.parametrize("logical_id", ["WorkloadRole", "RotatedUser"])
def test_what_is_no_longer_allowed_is_taken_away(new_stack: NewStack, logical_id: str) -> None:
    policy = {"PolicyName": "application", "PolicyDocument": USER_POLICY}
    narrow = _with(new_stack(events=None), logical_id, "Policies", [])
    _with(narrow, logical_id, "Policies", [policy]).apply()
    without = _without(narrow, logical_id, "Policies")
    steps = [each for each in without.apply() if each.action is not Action.LEAVE]
    assert [(each.wanted.logical_id, each.changed) for each in steps] == [
        (logical_id, frozenset({"Policies"}))
    ]
    assert {each.action for each in without.plan()} == {Action.LEAVE}
    without.destroy()


def test_a_policy_that_somebody_gave_the_user_is_left_alone(stack: Stack) -> None:
    theirs = {"UserName": f"{stack.account.stack}-user", "PolicyName": "theirs"}
    stack.account.ask("iam", "put_user_policy", PolicyDocument=json.dumps(USER_POLICY), **theirs)
    assert {each.action for each in stack.apply()} == {Action.LEAVE}
    stack.account.ask("iam", "delete_user_policy", **theirs)


def test_another_schedule_rotates_by_it(
    new_stack: NewStack, provisioned_emulator: Emulator
) -> None:
    stack = new_stack(code=quick_zip())
    stack.apply()
    provisioned_emulator.wait_for_rotations()
    for rules in (
        {"ScheduleExpression": "rate(10 days)", "Duration": "3h"},
        {"ScheduleExpression": "rate(10 days)"},
    ):
        changed = _with(stack, "RotationSchedule", "RotationRules", rules)
        changed.apply()
        assert _rules(stack) == rules
        assert {each.action for each in changed.plan()} == {Action.LEAVE}
        provisioned_emulator.wait_for_rotations()


def _rules(stack: Stack) -> object:
    name = f"{stack.account.stack}/key"
    held = stack.account.ask("secretsmanager", "describe_secret", SecretId=name)
    return held["RotationRules"]


def test_new_code_of_a_function_is_put(stack: Stack) -> None:
    changed = stack.changed(function_zip=lazy_zip("def handler(event, context): raise OSError"))
    steps = [each for each in changed.apply() if each.action is not Action.LEAVE]
    assert [each.changed for each in steps] == [{"Code"}, {"Code"}]


def test_without_code_a_function_that_is_there_is_left_alone(stack: Stack) -> None:
    assert {each.action for each in stack.changed(function_zip=None).plan()} == {Action.LEAVE}


def test_without_code_a_function_cannot_be_made(new_stack: NewStack) -> None:
    with pytest.raises(OperatorError, match="no code for the function"):
        new_stack().changed(function_zip=None).apply()


def test_what_aws_changes_for_a_new_one_only_is_refused(stack: Stack) -> None:
    refused = r"TrustAnchorArn of AWS::RolesAnywhere::CRL .* cannot become arn:other"
    with pytest.raises(OperatorError, match=refused):
        _with(stack, "RevocationList", "TrustAnchorArn", "arn:other").plan()


def test_a_rotated_value_is_not_put_back(stack: Stack) -> None:
    secret = next(each for each in stack.plan() if each.wanted.logical_id == "RotatedSecret")
    assert secret.found is not None
    stack.account.ask(
        "secretsmanager", "put_secret_value", SecretId=secret.found.ref, SecretString="rotated"
    )
    assert {each.action for each in stack.apply()} == {Action.LEAVE}


def _with(stack: Stack, logical_id: str, name: str, value: object) -> Stack:
    """Describe one property otherwise."""
    return replace(
        stack,
        resources=tuple(
            replace(each, properties={**each.properties, name: value})  # type: ignore[dict-item]
            if each.logical_id == logical_id
            else each
            for each in stack.resources
        ),
    )


def _without(stack: Stack, logical_id: str, name: str) -> Stack:
    """Say nothing of one property."""
    return replace(
        stack,
        resources=tuple(
            replace(each, properties={n: v for n, v in each.properties.items() if n != name})
            if each.logical_id == logical_id
            else each
            for each in stack.resources
        ),
    )


@pytest.fixture
def stack(kept_stack: Stack) -> Stack:
    """Give a stack that is made, as it is described; what an earlier test changed is undone."""
    kept_stack.apply()
    return kept_stack
