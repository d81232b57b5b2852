"""What must hold of a template and no linter of CloudFormation knows, one function each."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from sidecar.rotation.policy_lint import lint_policy
from sidecar.rotation.schedule import Schedule
from tests.provision.resolved import SECRET, USER, resolved
from tests.provision.wishes import Template

# They assume a role without saying for what: AWS documents no aws:SourceArn for them.
NAMELESS: Final = {"lambda.amazonaws.com", "chatbot.amazonaws.com"}
EVENT_BRIDGE: Final = {"Service": "events.amazonaws.com"}
SESSION_ACTIONS: Final = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
RULES: Final = [{"Fn::GetAtt": [each, "Arn"]} for each in ("RotationRule", "ChangeRule")]


def no_access_key_is_in_a_stack_s_state(template: Template) -> Iterator[str]:
    yield from (name for name, _ in _of(template, "AWS::IAM::AccessKey"))


def the_secret_holds_a_user_s_name_alone(template: Template) -> Iterator[str]:
    for name, properties in _of(template, "AWS::SecretsManager::Secret"):
        if properties["SecretString"] != {"Fn::Sub": '{"user_name":"${UserName}"}'}:
            yield name


def a_schedule_is_one_that_aws_takes(template: Template) -> Iterator[str]:
    for name, properties in _of(template, "AWS::SecretsManager::RotationSchedule"):
        rules = properties["RotationRules"]
        said = template["Parameters"][rules["ScheduleExpression"]["Ref"]]["Default"]
        try:
            Schedule.parse(said, rules.get("Duration"))
        except ValueError:
            yield name


def a_schedule_waits_for_the_permission(template: Template) -> Iterator[str]:
    permissions = dict(_of(template, "AWS::Lambda::Permission"))
    for name, properties in _of(template, "AWS::SecretsManager::RotationSchedule"):
        waits = template["Resources"][name].get("DependsOn", [])
        allowed = [permissions[each]["FunctionName"] for each in waits if each in permissions]
        if properties["RotationLambdaARN"] not in allowed:
            yield name


def functions_have_two_minutes(template: Template) -> Iterator[str]:
    for name, properties in _of(template, "AWS::Lambda::Function"):
        if properties["Timeout"] < 120:
            yield name


def a_function_is_invoked_for_one_thing_of_this_account(template: Template) -> Iterator[str]:
    for name, properties in _of(template, "AWS::Lambda::Permission"):
        of_events = properties["Principal"] == "events.amazonaws.com"
        account = None if of_events else {"Ref": "AWS::AccountId"}
        # EventBridge names no account: a permission that asks for one lets nothing through.
        if properties.get("SourceAccount") != account or not properties.get("SourceArn"):
            yield name


def an_alarm_watches_each_rule_where_there_are_alarms(template: Template) -> Iterator[str]:
    alarms = [properties for _, properties in _of(template, "AWS::CloudWatch::Alarm")]
    watched = [each["Dimensions"][0]["Value"] for each in alarms]
    if alarms:
        rules = [name for name, _ in _of(template, "AWS::Events::Rule")]
        yield from (name for name in rules if {"Ref": name} not in watched)


def the_function_s_role_can_rotate_and_nothing_wider(template: Template) -> Iterator[str]:
    for policy in (
        template["Resources"].get("FunctionRole", {}).get("Properties", _NONE)["Policies"]
    ):
        document = json.dumps(resolved(template, policy["PolicyDocument"]))
        found = lint_policy(document, user_arn=USER, secret_arn=SECRET)
        yield from (f"{each.action} {each.sentence}" for each in found)


_NONE: Final = {"Policies": ()}


def services_are_let_in_for_one_source(template: Template) -> Iterator[str]:
    for place, statement in _statements(template):
        principal = statement.get("Principal")
        service = principal["Service"] if isinstance(principal, dict) else ""
        conditions = json.dumps(statement.get("Condition", {}))
        nameless = service in NAMELESS or (principal == EVENT_BRIDGE and place == "TopicPolicy")
        if service and not nameless and '"aws:SourceArn"' not in conditions:
            yield place


def nobody_is_let_in_by_a_wildcard(template: Template) -> Iterator[str]:
    for place, statement in _statements(template):
        if "*" in json.dumps(statement.get("Principal", {})):
            yield place


def sessions_are_for_this_anchor_with_all_three_actions(template: Template) -> Iterator[str]:
    role = template["Resources"]["WorkloadRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    if sorted(statement["Action"]) != SESSION_ACTIONS:
        yield "actions"
    anchor = {"Fn::GetAtt": ["TrustAnchor", "TrustAnchorArn"]}
    if statement["Condition"]["ArnEquals"] != {"aws:SourceArn": anchor}:
        yield "anchor"
    if statement["Condition"]["StringEquals"]["aws:SourceAccount"] != {"Ref": "AWS::AccountId"}:
        yield "account"


def the_queue_takes_from_the_rules_alone(template: Template) -> Iterator[str]:
    for place, statement in _statements(template, {"AWS::SQS::QueuePolicy"}):
        if statement["Condition"]["ArnEquals"]["aws:SourceArn"] != RULES:
            yield place


def the_topic_takes_from_eventbridge_without_a_condition(template: Template) -> Iterator[str]:
    """EventBridge says nothing of the rule to SNS: a condition would be met by none."""
    for place, statement in _statements(template, {"AWS::SNS::TopicPolicy"}):
        if statement["Principal"] == EVENT_BRIDGE and "Condition" in statement:
            yield place


def sessions_get_a_policy_where_the_role_has_one(template: Template) -> Iterator[str]:
    role = template["Resources"]["WorkloadRole"]["Properties"]
    profile = template["Resources"]["Profile"]["Properties"]
    if "Policies" in role and "SessionPolicy" not in profile:
        yield "Profile"


def nothing_waits_for_itself(template: Template) -> Iterator[str]:
    """Everything is made after what it names: the order of the resources is one for making."""
    made: set[str] = set()
    for name, resource in template["Resources"].items():
        needs = {*resource.get("DependsOn", ()), *_named(resource["Properties"])}
        if needs & template["Resources"].keys() - made:
            yield name
        made.add(name)


INVARIANTS: Final[tuple[Callable[[Template], Iterator[str]], ...]] = (
    no_access_key_is_in_a_stack_s_state,
    the_secret_holds_a_user_s_name_alone,
    a_schedule_is_one_that_aws_takes,
    a_schedule_waits_for_the_permission,
    functions_have_two_minutes,
    a_function_is_invoked_for_one_thing_of_this_account,
    an_alarm_watches_each_rule_where_there_are_alarms,
    the_function_s_role_can_rotate_and_nothing_wider,
    services_are_let_in_for_one_source,
    nobody_is_let_in_by_a_wildcard,
    sessions_are_for_this_anchor_with_all_three_actions,
    the_queue_takes_from_the_rules_alone,
    the_topic_takes_from_eventbridge_without_a_condition,
    sessions_get_a_policy_where_the_role_has_one,
    nothing_waits_for_itself,
)


def _of(template: Template, kind: str) -> Iterator[tuple[str, Any]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource["Properties"]


def _statements(template: Template, kinds: set[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Give every statement of every policy, wherever it stands, with the resource's name."""
    for name, resource in template["Resources"].items():
        if kinds is None or resource["Type"] in kinds:
            yield from ((name, each) for each in _found(resource["Properties"]))


def _found(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for each in value.values():
            yield from _found(each)
    elif isinstance(value, list):
        for each in value:
            yield from _found(each)


def _named(value: Any) -> Iterator[str]:
    """Give every logical id or parameter that a value refers to."""
    if isinstance(value, list):
        for each in value:
            yield from _named(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Ref":
                yield each
            elif key == "Fn::GetAtt":
                yield each[0]
            elif key == "Fn::Sub":
                yield from (part.split("}")[0].split(".")[0] for part in each.split("${")[1:])
            else:
                yield from _named(each)
