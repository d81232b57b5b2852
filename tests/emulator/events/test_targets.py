"""What a rule takes arrives at its target for real, if the target lets it; nobody else waits."""

import io
import json
import zipfile
from typing import Any

import pytest


def test_a_queue_gets_the_whole_event(new_rule: Any, new_queue: Any, emulator: Any) -> None:
    rule, queue = new_rule(), new_queue()
    queue.admit(rule.arn)
    rule.target(queue.arn)
    answer = rule.put({"n": 1}, Resources=["arn:aws:iam::123456789012:user/web"])
    [event] = queue.events()
    assert event["id"] == answer["Entries"][0]["EventId"]
    assert event["account"] == emulator.administrator.account
    assert (event["region"], event["source"]) == (emulator.region, rule.source)
    assert event["resources"] == ["arn:aws:iam::123456789012:user/web"]
    assert (event["detail"], event["detail-type"]) == ({"n": 1}, "test")
    assert event["time"].endswith("Z")
    assert rule.problems() == [""]


def test_a_queue_that_does_not_let_the_rule_send_gets_nothing_and_it_is_told(
    new_rule: Any, new_queue: Any, emulator: Any
) -> None:
    rule, queue, other = new_rule(), new_queue(), new_rule()
    queue.admit(other.arn)
    rule.target(queue.arn)
    assert rule.put({"n": 1})["FailedEntryCount"] == 0
    assert queue.texts() == []
    [problem] = rule.problems()
    assert "does not let events.amazonaws.com do sqs:SendMessage" in problem
    assert emulator.events()["failed"] == 1


@pytest.mark.parametrize("state", ["DISABLED", "ENABLED"])
def test_only_a_rule_that_is_enabled_takes_events(
    new_rule: Any, new_queue: Any, state: str
) -> None:
    rule, queue = new_rule(), new_queue()
    queue.admit(rule.arn)
    rule.target(queue.arn)
    pattern = json.dumps({"source": [rule.source]})
    rule.client.put_rule(Name=rule.name, EventPattern=pattern, State=state)
    rule.put({})
    assert len(queue.texts()) == (state == "ENABLED")


def test_a_rule_with_a_schedule_alone_takes_no_event(new_rule: Any, new_queue: Any) -> None:
    rule, queue = new_rule(), new_queue()
    queue.admit(rule.arn)
    rule.client.delete_rule(Name=rule.name)
    rule.client.put_rule(Name=rule.name, ScheduleExpression="rate(1 day)")
    rule.target(queue.arn)
    rule.put({})
    assert queue.texts() == []


def test_a_topic_hands_on_what_a_rule_sends_it(
    new_rule: Any, new_topic: Any, new_queue: Any, connect: Any
) -> None:
    rule, queue = new_rule(), new_queue()
    topic = new_topic(rule.arn)
    queue.admit(topic, service="sns.amazonaws.com")
    connect("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    rule.target(topic)
    rule.put({"n": 1})
    [envelope] = queue.events()
    assert json.loads(envelope["Message"])["detail"] == {"n": 1}
    assert rule.problems() == [""]


def test_a_topic_whose_policy_is_the_first_one_takes_nothing_from_a_rule(
    new_rule: Any, new_topic: Any
) -> None:
    rule = new_rule()
    rule.target(new_topic())
    rule.put({})
    assert "does not let events.amazonaws.com do sns:Publish" in rule.problems()[0]


def test_a_registered_function_is_called_with_the_event(
    new_rule: Any, emulator: Any, fresh_name: Any
) -> None:
    account, seen = emulator.administrator.account, []
    arn = f"arn:aws:lambda:{emulator.region}:{account}:function:{fresh_name('function')}"
    emulator.register_function(arn, lambda event, _: seen.append(event["detail"]))
    rule = new_rule()
    rule.target(arn)
    rule.put({"n": 1})
    assert seen == [{"n": 1}]


def test_a_function_that_is_not_there_or_fails_is_a_failed_delivery(
    new_rule: Any, emulator: Any, fresh_name: Any
) -> None:
    account, rule = emulator.administrator.account, new_rule()
    arn = f"arn:aws:lambda:{emulator.region}:{account}:function:{fresh_name('function')}"
    rule.target(arn)
    rule.put({})
    emulator.register_function(arn, lambda event, _: event["none"])
    rule.put({})
    missing, failed = rule.problems()
    assert missing.startswith("there is no function")
    assert failed == "the function failed: KeyError"


@pytest.mark.parametrize(
    ("arn", "problem"),
    [
        ("arn:aws:sqs:ap-northeast-2:123456789012:none", "there is no queue"),
        ("arn:aws:sns:ap-northeast-2:123456789012:none", "there is no topic"),
        ("arn:aws:sqs:eu-west-1:123456789012:none", "is not in the region of the rule"),
        ("arn:aws:events:ap-northeast-2:999999999999:event-bus/default", "there is no bus"),
        ("arn:aws:batch:ap-northeast-2:123456789012:job-queue/x", "does not deliver to"),
    ],
)
def test_what_cannot_be_reached_is_told(
    new_rule: Any, new_role: Any, arn: str, problem: str
) -> None:
    rule = new_rule()
    rule.target(arn, RoleArn=new_role({"Service": "events.amazonaws.com"}))
    rule.put({})
    assert problem in rule.problems()[0]


def test_another_bus_gets_the_event_by_a_role_and_sends_it_to_no_third_one(
    new_rule: Any, new_queue: Any, new_role: Any, connect: Any, fresh_name: Any
) -> None:
    name, events = fresh_name("bus"), connect("events")
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    rule, queue = new_rule(), new_queue()
    pattern = json.dumps({"source": [rule.source]})
    second = events.put_rule(Name=name, EventPattern=pattern, EventBusName=name)["RuleArn"]
    queue.admit(second)
    role = new_role({"Service": "events.amazonaws.com"})
    targets = [{"Id": "1", "Arn": queue.arn}, {"Id": "2", "Arn": bus, "RoleArn": role}]
    events.put_targets(Rule=name, EventBusName=name, Targets=targets)
    rule.target(bus)
    rule.put({})
    assert rule.problems() == ["the target needs a RoleArn"]
    rule.target(bus, RoleArn=role)
    rule.put({"n": 2})
    assert [each["detail"] for each in queue.events()] == [{"n": 2}]


@pytest.fixture
def new_function(connect: Any, new_role: Any, fresh_name: Any) -> Any:
    """Give a function that deploys a function which is content with any event but one."""

    def make() -> str:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as file:
            file.writestr("code.py", "def handler(event, context):\n    assert event != {}\n")
        arn: str = connect("lambda").create_function(
            FunctionName=fresh_name("function"),
            Runtime="python3.11",
            Role=new_role({"Service": "lambda.amazonaws.com"}),
            Handler="code.handler",
            Code={"ZipFile": packed.getvalue()},
            Timeout=60,
        )["FunctionArn"]
        return arn

    return make


def test_a_deployed_function_is_run_once_its_policy_lets_eventbridge(
    new_rule: Any, new_function: Any, connect: Any
) -> None:
    rule, function = new_rule(), new_function()
    rule.target(function)
    rule.put({})
    permission = {"StatementId": "1", "Action": "lambda:InvokeFunction", "SourceArn": rule.arn}
    client, principal = connect("lambda"), "events.amazonaws.com"
    client.add_permission(FunctionName=function, Principal=principal, **permission)
    rule.put({})
    rule.target(function, Input="{}")
    rule.put({})
    refused, ran, failed = rule.problems()
    assert refused.startswith("there is no function")
    assert (ran, failed) == ("", "the function failed: FunctionFailed")


def test_a_log_group_gets_an_event_once_a_resource_policy_lets_eventbridge(
    new_rule: Any, connect: Any, fresh_name: Any, emulator: Any
) -> None:
    logs, name, rule = connect("logs"), fresh_name("group"), new_rule()
    logs.create_log_group(logGroupName=name)
    arn = f"arn:aws:logs:{emulator.region}:{emulator.administrator.account}:log-group:{name}"
    rule.target(arn)
    rule.put({"n": 1})
    document = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{arn}:*",
    }
    logs.put_resource_policy(policyName=name, policyDocument=json.dumps({"Statement": document}))
    rule.put({"n": 2})
    logs.delete_resource_policy(policyName=name)
    kept = logs.filter_log_events(logGroupName=name)["events"]
    assert [json.loads(each["message"])["detail"] for each in kept] == [{"n": 2}]
    assert rule.problems()[0].startswith("no resource policy of CloudWatch Logs lets")


def test_a_pattern_that_cannot_be_read_keeps_no_other_rule_from_the_event(
    new_rule: Any, new_queue: Any, emulator: Any
) -> None:
    strange = new_rule({"detail": {"n": [{"numeric": ["<", "x"]}]}})
    rule, queue = new_rule(), new_queue()
    queue.admit(rule.arn)
    rule.target(queue.arn)
    rule.put({"n": 1})
    assert len(queue.events()) == 1
    assert strange.problems() == ["the rule's pattern is not understood"]


@pytest.mark.parametrize("service", ["events.amazonaws.com", "lambda.amazonaws.com"])
def test_a_role_is_put_into_a_target_only_by_who_may_pass_it_to_eventbridge(
    *, new_rule: Any, new_role: Any, new_user: Any, connect: Any, refusal: Any, service: str
) -> None:
    rule, role = new_rule(), new_role({"Service": "events.amazonaws.com"})
    passing = {"StringEquals": {"iam:PassedToService": service}}
    statements = [
        {"Effect": "Allow", "Action": "events:PutTargets", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": passing},
    ]
    client = connect("events", **new_user(*statements))
    bus = rule.arn.replace(f"rule/{rule.name}", "event-bus/default")
    wanted = {"Rule": rule.name, "Targets": [{"Id": "1", "Arn": bus, "RoleArn": role}]}
    if service.startswith("events"):
        assert client.put_targets(**wanted)["FailedEntryCount"] == 0
    else:
        assert refusal(client.put_targets, **wanted)[1] == "AccessDeniedException"
