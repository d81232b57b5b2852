"""The record of every CreateSession, at a control route."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sidecar.emulator.roles_anywhere.session_log import SessionEvent, SessionLog
from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]


@pytest.fixture
def recorded(emulator: Emulator, send_raw: Submit) -> Callable[[], list[dict[str, Any]]]:
    """Give a function that reads the record; it is empty at first."""

    def read(method: str = "GET") -> list[dict[str, Any]]:
        route = "/_emulator/roles-anywhere/sessions"
        events: list[dict[str, Any]] = send_raw(emulator.url, method, route).json()
        return events

    assert read("DELETE") == []
    return read


def test_a_session_is_recorded_with_who_and_what(
    shared_site: Any, draft_for: Submit, submit: Submit, recorded: Submit
) -> None:
    draft = draft_for(shared_site)
    answer = submit(draft).json()
    [given], [event] = answer["credentialSet"], recorded()
    assert event["eventName"] == "CreateSession"
    assert event["awsRegion"] == "ap-northeast-2"
    assert event["requestParameters"] == draft.members
    assert event["certificate"] == {
        "serialNumber": str(draft.leaf.serial_number),
        "subject": draft.leaf.subject.rfc4514_string(),
        "issuer": "CN=Trusted root",
    }
    assert event["responseElements"] == {
        "subjectArn": answer["subjectArn"],
        "assumedRoleArn": given["assumedRoleUser"]["arn"],
        "accessKeyId": given["credentials"]["accessKeyId"],
        "expiration": given["credentials"]["expiration"],
        "sourceIdentity": "CN=billing",
        "principalTags": {
            "x509Issuer/CN": "Trusted root",
            "x509Subject/CN": "billing",
            "x509Subject/O": "Example",
            "x509Subject/OU": "Payments",
        },
    }
    assert event["additionalEventData"] == {}
    assert "errorCode" not in event


def test_no_secret_is_recorded(
    shared_site: Any, draft_for: Submit, submit: Submit, recorded: Submit
) -> None:
    [given] = submit(draft_for(shared_site)).json()["credentialSet"]
    text = repr(recorded())
    assert given["credentials"]["accessKeyId"] in text
    assert given["credentials"]["secretAccessKey"] not in text
    assert given["credentials"]["sessionToken"] not in text


def test_a_refusal_is_recorded_with_as_much_as_was_known(
    shared_site: Any, draft_for: Submit, submit: Submit, recorded: Submit
) -> None:
    submit(draft_for(shared_site, body=b"["))
    submit(draft_for(shared_site, serial="1"))
    submit(draft_for(shared_site, members={"roleSessionName": "any"}))
    events = recorded()
    codes = ["ValidationException", "AccessDeniedException", "AccessDeniedException"]
    assert [event["errorCode"] for event in events] == codes
    assert events[2]["errorMessage"] == "Not authorized to set roleSessionName."
    assert ["requestParameters" in event for event in events] == [False, True, True]
    assert ["certificate" in event for event in events] == [False, False, True]
    assert ["responseElements" in event for event in events] == [False] * 3


def test_the_record_keeps_the_latest_thousand(today: datetime) -> None:
    log = SessionLog()
    for number in range(1001):
        event = SessionEvent(today)
        assert event.described()["errorCode"] == "InternalFailure"
        event.note(number=(str(number),))
        log.add(event)
    numbers = [event["additionalEventData"]["number"] for event in log.events()]
    assert (len(numbers), numbers[0], numbers[-1]) == (1000, ["1"], ["1000"])
