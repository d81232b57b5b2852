"""The record of rotations has CloudTrail's form, and is read and cleared by a control route."""

import json
from typing import Any

import pytest


@pytest.fixture
def control(emulator: Any, send_raw: Any) -> Any:
    """Give a function that makes a request for the record."""

    def send(method: str, value: object = None) -> Any:
        body = b"" if value is None else json.dumps(value).encode()
        host = [("Host", "localhost")]
        return send_raw(emulator.url, method, "/_emulator/rotations", host, body)

    return send


def test_an_event_has_the_members_that_consumers_match(new_rotating: Any, control: Any) -> None:
    secret = new_rotating()
    token = secret.rotate()["VersionId"]
    listed = [each for each in control("GET").json() if each in secret.details]
    assert [each["eventName"] for each in listed] == ["RotationStarted", "RotationSucceeded"]
    event = listed[0]
    account = secret.emulator.administrator.account
    assert event["eventSource"] == event["sourceIPAddress"] == "secretsmanager.amazonaws.com"
    assert event["additionalEventData"] == {"SecretId": secret.arn}
    assert event["requestID"] == f"Rotation-{secret.arn}-{token}"
    assert event["userIdentity"]["accountId"] == event["recipientAccountId"] == account
    assert (event["eventType"], event["awsRegion"]) == ("AwsServiceEvent", "ap-northeast-2")
    assert "errorMessage" not in event


def test_no_event_tells_a_value_or_the_rotation_token(new_rotating: Any, control: Any) -> None:
    secret = new_rotating()
    secret.rotate()
    shown = json.dumps(control("GET").json())
    assert secret.seen[0]["ClientRequestToken"] in shown
    assert secret.seen[0]["RotationToken"] not in shown
    assert secret.value not in shown


def test_the_record_can_be_cleared(new_rotating: Any, control: Any) -> None:
    new_rotating().rotate()
    assert control("GET").json()
    assert control("DELETE").json() == control("GET").json() == []


@pytest.mark.parametrize("attempts", [0, True, "1", None, 1.5])
def test_a_number_of_attempts_that_makes_no_sense_is_refused(control: Any, attempts: Any) -> None:
    reply = control("PUT", {"attempts": attempts})
    assert (reply.status, "attempts" in reply.json()["message"]) == (400, True)
    assert control("PUT", {"attempts": 3}).json() == {"attempts": 3}
