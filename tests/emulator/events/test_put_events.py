"""PutEvents takes or refuses each entry by itself, as EventBridge does."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config

GOOD = {"Source": "app", "DetailType": "test", "Detail": "{}"}


@pytest.fixture
def events(connect: Any) -> Any:
    return connect("events")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Source": "aws.secretsmanager"}, "NotAuthorizedForSourceException"),
        ({"Detail": "no json"}, "MalformedDetail"),
        ({"Detail": "[1]"}, "MalformedDetail"),
        ({"Source": ""}, "InvalidArgument"),
        ({"DetailType": ""}, "InvalidArgument"),
        ({"Detail": "[" * 100_000}, "MalformedDetail"),
        ({"Resources": [{}]}, "InvalidArgument"),
    ],
)
def test_a_bad_entry_is_refused_and_the_others_are_taken(
    connect: Any, emulator: Any, changed: dict[str, Any], code: str
) -> None:
    events = connect("events", config=Config(parameter_validation=False))
    answer = events.put_events(Entries=[{**GOOD, **changed}, GOOD])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == code
    [kept] = emulator.events()["events"]
    assert kept["id"] == answer["Entries"][1]["EventId"]


@pytest.mark.parametrize("entries", [[], [GOOD] * 11])
def test_one_to_ten_entries_are_taken(events: Any, refusal: Any, entries: list[Any]) -> None:
    refused = refusal(events.put_events, Entries=entries)
    assert refused[:2] == (400, "ValidationException")


def test_an_entry_says_when_it_happened(events: Any, emulator: Any) -> None:
    events.put_events(Entries=[{**GOOD, "Time": datetime(2026, 3, 1, 12, tzinfo=UTC)}])
    assert emulator.events()["events"][0]["time"] == "2026-03-01T12:00:00Z"


def test_a_bus_that_is_not_there_refuses_all(events: Any, refusal: Any, emulator: Any) -> None:
    entries = [GOOD, {**GOOD, "EventBusName": "none"}]
    refused = refusal(events.put_events, Entries=entries)
    assert refused[:2] == (400, "ResourceNotFoundException")
    assert emulator.events()["events"] == []


@pytest.mark.parametrize(("bus", "is_let"), [("default", True), ("other", False)])
def test_a_policy_names_the_bus(
    connect: Any, new_user: Any, refusal: Any, *, bus: str, is_let: bool
) -> None:
    resource = f"arn:aws:events:*:*:event-bus/{bus}"
    key = new_user({"Effect": "Allow", "Action": "events:PutEvents", "Resource": resource})
    client = connect("events", **key)
    if is_let:
        assert client.put_events(Entries=[GOOD])["FailedEntryCount"] == 0
    else:
        assert refusal(client.put_events, Entries=[GOOD])[1] == "AccessDeniedException"


@pytest.mark.parametrize(
    "bus",
    [
        "arn:aws:events:eu-west-1:{account}:event-bus/default",
        "arn:aws:events:{region}:999999999999:event-bus/default",
        "arn:aws:events:{region}:{account}:rule/default",
        "other/default",
    ],
)
def test_whoever_is_let_in_for_one_bus_puts_nothing_on_another_of_its_name(
    *, connect: Any, new_user: Any, refusal: Any, emulator: Any, bus: str
) -> None:
    name = bus.format(region=emulator.region, account=emulator.administrator.account)
    resource = name if name.startswith("arn:") else f"arn:aws:events:*:*:event-bus/{name}"
    key = new_user({"Effect": "Allow", "Action": "events:PutEvents", "Resource": resource})
    client = connect("events", **key)
    refused = refusal(client.put_events, Entries=[{**GOOD, "EventBusName": name}])
    assert refused[1] == "ResourceNotFoundException"
    assert emulator.events()["events"] == []


def test_a_bus_is_named_by_its_arn_too(events: Any, emulator: Any) -> None:
    arn = events.describe_event_bus()["Arn"]
    assert events.put_events(Entries=[{**GOOD, "EventBusName": arn}])["FailedEntryCount"] == 0
    assert len(emulator.events()["events"]) == 1


def test_an_event_that_finds_the_buses_crowded_is_in_the_record_with_that(
    events: Any, emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator.control.bus.lanes, "add", lambda *_: False)
    events.put_events(Entries=[GOOD])
    [event] = emulator.events()["events"]
    assert [each["problem"] for each in event["deliveries"]] == [
        "more is waiting on the buses than the emulator keeps"
    ]


def test_the_record_is_read_and_cleared_by_a_control_route(
    events: Any, emulator: Any, send_raw: Any
) -> None:
    events.put_events(Entries=[{**GOOD, "Detail": json.dumps({"n": 1})}])
    host, path = [("Host", "localhost")], "/_emulator/events"
    shown = send_raw(emulator.url, "GET", path, host).json()
    assert [each["detail"] for each in shown["events"]] == [{"n": 1}]
    assert (shown["delivered"], shown["failed"], shown["not_recorded"]) == (0, 0, 0)
    assert send_raw(emulator.url, "DELETE", path, host).json()["events"] == []
