"""Putting events: boto3 against a server that plays EventBridge's replies, good and bad."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from sidecar.aws.event_bus import EventBus
from sidecar.errors import (
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
    UpstreamUnreachable,
)

if TYPE_CHECKING:
    from sidecar.credentials import Credentials
    from tests.aws.conftest import CannedServer

REGION: Final = "eu-central-1"
JSON: Final = {"Content-Type": "application/x-amz-json-1.1"}
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRY: Final = {"Time": NOON, "Source": "s", "DetailType": "t", "Detail": "{}", "Resources": []}


@pytest.fixture
def bus(canned: "CannedServer") -> EventBus:
    return EventBus("alerts", REGION, lambda *_: canned.url, ca_bundle=None)


async def test_an_event_is_put_signed_for_the_bus_s_region(
    bus: EventBus, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, 200, **JSON)
    await bus.put(ENTRY, credentials)
    assert canned.bodies == [{"Entries": [{**ENTRY, "Time": NOON.timestamp()}]}]
    assert canned.headers[0]["X-Amz-Target"] == "AWSEvents.PutEvents"
    assert canned.headers[0]["Authorization"].split("/")[2:4] == [REGION, "events"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", UpstreamUnavailable),
        ("InternalFailure", UpstreamUnavailable),
        ("NotAuthorizedForSource", UpstreamRefused),
    ],
)
async def test_an_entry_that_was_not_taken_is_an_error_though_the_answer_is_200(
    code: str,
    kind: type[UpstreamError],
    bus: EventBus,
    canned: "CannedServer",
    credentials: "Credentials",
) -> None:
    entry = {"ErrorCode": code, "ErrorMessage": "not this one"}
    canned.then({"FailedEntryCount": 1, "Entries": [entry]}, 200, **JSON)
    with pytest.raises(kind, match="not this one") as caught:
        await bus.put(ENTRY, credentials)
    assert caught.value.code == code


@pytest.mark.parametrize("answer", [{}, {"FailedEntryCount": 0, "Entries": []}, b"<html>"])
async def test_what_is_no_answer_is_not_taken_for_success(
    answer: Any, bus: EventBus, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then(answer, 200, **JSON)
    with pytest.raises(UpstreamUnreachable):
        await bus.put(ENTRY, credentials)
    assert len(canned.bodies) == 1


async def test_a_denial_is_aws_s_own(
    bus: EventBus, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({"__type": "AccessDeniedException", "message": "not you"}, 400, **JSON)
    with pytest.raises(UpstreamRefused, match="not you"):
        await bus.put(ENTRY, credentials)
