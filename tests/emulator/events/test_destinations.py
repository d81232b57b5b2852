"""An API destination is posted to with what its connection adds, on this machine alone."""

import json
from typing import Any

import pytest

API_KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "opens"}}
ALWAYS = {
    "HeaderParameters": [{"Key": "x-always", "Value": "yes"}],
    "QueryStringParameters": [{"Key": "q", "Value": "a b"}],
    "BodyParameters": [{"Key": "added", "Value": "too"}],
}


@pytest.fixture
def destination(connect: Any, fresh_name: Any, receiver: Any) -> Any:
    """Give a function that makes a destination at the receiver, and returns its ARN."""

    def make(kind: str = "API_KEY", parameters: Any = API_KEY, path: str = "/hook") -> str:
        events, name = connect("events"), fresh_name("hook")
        made = {"AuthorizationType": kind, "AuthParameters": parameters}
        connection = events.create_connection(Name=name, **made)["ConnectionArn"]
        arn: str = events.create_api_destination(
            Name=name,
            ConnectionArn=connection,
            InvocationEndpoint=f"{receiver.url}{path}",
            HttpMethod="POST",
        )["ApiDestinationArn"]
        return arn

    return make


@pytest.fixture
def role(new_role: Any) -> str:
    return str(new_role({"Service": "events.amazonaws.com"}))


def test_the_input_is_posted_with_what_connection_and_target_add(
    *, destination: Any, new_rule: Any, role: str, receiver: Any
) -> None:
    rule, wishes = new_rule(), {"HeaderParameters": {"x-more": "1"}, "PathParameterValues": ["a/b"]}
    arn = destination(
        parameters={**API_KEY, "InvocationHttpParameters": ALWAYS}, path="/hook/*?old=1"
    )
    transformer = {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"text": "n is <n>"}'}
    rule.target(arn, RoleArn=role, HttpParameters=wishes, InputTransformer=transformer)
    rule.put({"n": 1})
    [got] = receiver.received
    assert rule.problems() == [""]
    assert (got.method, got.path) == ("POST", "/hook/a%2Fb?old=1&q=a+b")
    assert got.json() == {"text": "n is 1", "added": "too"}
    assert [got.headers[name] for name in ("x-key", "x-always", "x-more")] == ["opens", "yes", "1"]


def test_a_name_and_a_password_are_sent(
    *, destination: Any, new_rule: Any, role: str, receiver: Any
) -> None:
    pair = {"BasicAuthParameters": {"Username": "user", "Password": "word"}}
    rule = new_rule()
    rule.target(destination("BASIC", pair), RoleArn=role)
    rule.put({})
    assert receiver.received[0].headers["authorization"] == "Basic dXNlcjp3b3Jk"


@pytest.mark.parametrize("trusts", ["events.amazonaws.com", "lambda.amazonaws.com", ""])
def test_a_role_that_eventbridge_may_take_is_needed(
    *, destination: Any, new_rule: Any, new_role: Any, receiver: Any, trusts: str
) -> None:
    rule = new_rule()
    given = {"RoleArn": new_role({"Service": trusts})} if trusts else {}
    rule.target(destination(), **given)
    rule.put({})
    is_right = trusts == "events.amazonaws.com"
    assert len(receiver.received) == is_right
    assert bool(rule.problems()[0]) != is_right


def test_a_role_that_may_not_invoke_the_destination_does_not_help(
    *, destination: Any, new_rule: Any, role: str, connect: Any, receiver: Any
) -> None:
    connect("iam").detach_role_policy(
        RoleName=role.rsplit("/", 1)[-1], PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    rule = new_rule()
    rule.target(destination(), RoleArn=role)
    rule.put({})
    assert receiver.received == []
    assert "may not do events:InvokeApiDestination" in rule.problems()[0]


@pytest.mark.parametrize(("status", "attempts"), [(503, 3), (429, 3), (404, 1), (302, 1)])
def test_what_an_endpoint_does_not_take_is_told(
    *, destination: Any, new_rule: Any, role: str, receiver: Any, status: int, attempts: int
) -> None:
    receiver.status = status
    rule = new_rule()
    rule.target(destination(), RoleArn=role)
    rule.put({})
    assert rule.problems() == [f"answered {status}"]
    assert len(receiver.received) == attempts


def test_an_endpoint_that_hangs_holds_nobody_else_up(
    *, destination: Any, new_rule: Any, role: str, new_queue: Any, receiver: Any, eventually: Any
) -> None:
    receiver.released.clear()
    slow, quick, queue = new_rule(), new_rule(), new_queue()
    slow.target(destination(), RoleArn=role)
    queue.admit(quick.arn)
    quick.target(queue.arn)
    entries = [
        {"Source": rule.source, "DetailType": "test", "Detail": json.dumps({})}
        for rule in (slow, quick)
    ]
    slow.client.put_events(Entries=entries)
    assert eventually(queue.texts)
    assert eventually(lambda: receiver.received)
    assert slow.problems() == []
    receiver.released.set()


@pytest.mark.parametrize("call", ["create_api_destination", "update_api_destination"])
def test_an_endpoint_on_another_machine_is_refused(
    *, destination: Any, connect: Any, refusal: Any, fresh_name: Any, call: str
) -> None:
    destination()
    wishes = {"InvocationEndpoint": "https://hooks.example.com/T0", "HttpMethod": "POST"}
    events = connect("events")
    _, code, message = refusal(getattr(events, call), Name=fresh_name("hook"), **wishes)
    assert code == "ValidationException"
    assert "sends to this machine only" in message
