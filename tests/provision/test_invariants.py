"""Every combination of switches gives a template that keeps what no linter of templates checks."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sidecar.provision.cloudformation import template
from tests.provision.invariants import INVARIANTS
from tests.provision.wishes import FULL, Change, Switches, Template, called, chosen, wish_of


def _broken(given: Template) -> dict[str, list[str]]:
    found = {each.__name__: list(each(given)) for each in INVARIANTS}
    return {name: problems for name, problems in found.items() if problems}


@pytest.mark.parametrize("switches", chosen(), ids=called)
def test_every_combination_keeps_every_invariant(switches: Switches) -> None:
    assert _broken(template(wish_of(switches))) == {}


def _properties(given: Template, name: str) -> Any:
    return given["Resources"][name]["Properties"]


def _statement(given: Template, name: str, key: str = "PolicyDocument", place: int = 0) -> Any:
    return _properties(given, name)[key]["Statement"][place]


def _trust(given: Template) -> Any:
    return _statement(given, "WorkloadRole", "AssumeRolePolicyDocument")


def _on_the_user(given: Template) -> Any:
    return _properties(given, "FunctionRole")["Policies"][0]["PolicyDocument"]["Statement"][1]


BREACHES: dict[str, tuple[str, Change]] = {
    "an access key": (
        "no_access_key_is_in_a_stack_s_state",
        lambda t: t["Resources"].update(Key={"Type": "AWS::IAM::AccessKey", "Properties": {}}),
    ),
    "a key in the secret": (
        "the_secret_holds_a_user_s_name_alone",
        lambda t: _properties(t, "RotatedSecret").update(SecretString="{}"),
    ),
    "a schedule of minutes": (
        "a_schedule_is_one_that_aws_takes",
        lambda t: t["Parameters"]["ScheduleExpression"].update(Default="rate(2 minutes)"),
    ),
    "a window into the next day": (
        "a_schedule_is_one_that_aws_takes",
        lambda t: _properties(t, "RotationSchedule")["RotationRules"].update(Duration="30h"),
    ),
    "no wait": (
        "a_schedule_waits_for_the_permission",
        lambda t: t["Resources"]["RotationSchedule"].pop("DependsOn"),
    ),
    "the wait for another permission": (
        "a_schedule_waits_for_the_permission",
        lambda t: _properties(t, "RotationPermission").update(FunctionName="other"),
    ),
    "Lambda's own three seconds": (
        "functions_have_two_minutes",
        lambda t: _properties(t, "RotationFunction").update(Timeout=3),
    ),
    "any account's secrets": (
        "a_function_is_invoked_for_one_thing_of_this_account",
        lambda t: _properties(t, "RotationPermission").pop("SourceAccount"),
    ),
    "any secret": (
        "a_function_is_invoked_for_one_thing_of_this_account",
        lambda t: _properties(t, "RotationPermission").pop("SourceArn"),
    ),
    "an account that EventBridge never names": (
        "a_function_is_invoked_for_one_thing_of_this_account",
        lambda t: _properties(t, "ReapingPermission").update(
            SourceAccount={"Ref": "AWS::AccountId"}
        ),
    ),
    "a rule that nobody watches": (
        "an_alarm_watches_each_rule_where_there_are_alarms",
        lambda t: t["Resources"].pop("ReapingRuleAlarm"),
    ),
    "no CreateAccessKey": (
        "the_function_s_role_can_rotate_and_nothing_wider",
        lambda t: _on_the_user(t)["Action"].remove("iam:CreateAccessKey"),
    ),
    "every user's keys": (
        "the_function_s_role_can_rotate_and_nothing_wider",
        lambda t: _on_the_user(t).update(Resource="*"),
    ),
    "any trust anchor": (
        "sessions_are_for_this_anchor_with_all_three_actions",
        lambda t: _trust(t)["Condition"].update(ArnEquals={}),
    ),
    "no TagSession": (
        "sessions_are_for_this_anchor_with_all_three_actions",
        lambda t: _trust(t)["Action"].remove("sts:TagSession"),
    ),
    "any account's anchor": (
        "sessions_are_for_this_anchor_with_all_three_actions",
        lambda t: _trust(t)["Condition"].update(StringEquals={"aws:SourceAccount": "*"}),
    ),
    "any trail": (
        "services_are_let_in_for_one_source",
        lambda t: _statement(t, "TrailBucketPolicy", place=1).pop("Condition"),
    ),
    "anybody": (
        "nobody_is_let_in_by_a_wildcard",
        lambda t: _statement(t, "TrailBucketPolicy").update(Principal="*"),
    ),
    "any rule to the queue": (
        "the_queue_takes_from_the_rules_alone",
        lambda t: _statement(t, "ChangeQueuePolicy").update(
            Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:events:*"}}
        ),
    ),
    "a condition that EventBridge never meets": (
        "the_topic_takes_from_eventbridge_without_a_condition",
        lambda t: _statement(t, "TopicPolicy").update(
            Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:events:*"}}
        ),
    ),
    "a profile as wide as the role": (
        "sessions_get_a_policy_where_the_role_has_one",
        lambda t: _properties(t, "Profile").pop("SessionPolicy"),
    ),
    "a cycle": (
        "nothing_waits_for_itself",
        lambda t: t["Resources"]["RotatedUser"].update(DependsOn=["RotationSchedule"]),
    ),
}


@pytest.mark.parametrize(("invariant", "change"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_seen(invariant: str, change: Change) -> None:
    given = copy.deepcopy(template(FULL))
    assert _broken(given) == {}
    change(given)
    assert invariant in _broken(given)


def test_every_invariant_has_a_breach() -> None:
    assert {each.__name__ for each in INVARIANTS} == {name for name, _ in BREACHES.values()}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def test_every_reference_within_a_text_names_something() -> None:
    given = template(FULL)
    known = given["Resources"].keys() | given["Parameters"].keys()
    named = {n for text in _texts(given) for n in re.findall(r"\$\{(\w+)[.}]", text)}
    assert named
    assert named - known == set()
