"""What a rule takes arrives at its target for real, if the target lets it; nobody else waits."""

import json
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
        ("arn:aws:batch:ap-northeast-2:123456789012:job-queue/x", "does not deliver to"),
    ],
)
def test_what_cannot_be_reached_is_told(new_rule: Any, arn: str, problem: str) -> None:
    rule = new_rule()
    rule.target(arn)
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
