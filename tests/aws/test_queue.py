"""Polling a queue: boto3 against a server that plays SQS's replies, good and bad."""

from http.server import HTTPServer
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.config import Config

from sidecar.aws import queue
from sidecar.aws.boto_service import BOTO_CONFIG
from sidecar.aws.queue import Message, Queue, region_of
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamTimeout, UpstreamUnavailable

if TYPE_CHECKING:
    from sidecar.credentials import Credentials
    from tests.aws.conftest import CannedServer

REGION = "eu-central-1"
URL = f"https://sqs.{REGION}.amazonaws.com/123456789012/events"
IMPATIENT = BOTO_CONFIG.merge(Config(read_timeout=0.2, retries={"total_max_attempts": 1}))
MESSAGES = [
    Message("m1", "canary-handle-1", '{"canary":1}'),
    Message("m2", "canary-handle-2", "zwei ✓"),
]


@pytest.fixture(scope="module")
def events(canned_server: HTTPServer) -> Queue:
    address = f"http://127.0.0.1:{canned_server.server_port}"
    return Queue(URL, region=REGION, endpoint_of=lambda *_: address, boto_config=IMPATIENT)


JSON: Final = {"Content-Type": "application/x-amz-json-1.0"}


def _wire(message: Message) -> dict[str, str]:
    names = {"MessageId": message.id, "ReceiptHandle": message.receipt_handle}
    return names | {"Body": message.body, "MD5OfBody": "0"}


async def test_messages_are_received_with_what_deletes_them(
    events: Queue, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({"Messages": [_wire(each) for each in MESSAGES]}, 200, **JSON)
    received = await events.receive(credentials)
    assert received == tuple(MESSAGES)
    assert canned.bodies == [{"QueueUrl": URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20}]
    assert canned.headers[0]["X-Amz-Target"] == "AmazonSQS.ReceiveMessage"
    assert canned.headers[0]["Authorization"].split("/")[2:4] == [REGION, "sqs"]
    assert "canary" not in repr(received)


async def test_an_empty_queue_is_an_answer(
    events: Queue, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({}, 200, **JSON)
    assert await events.receive(credentials, wait_seconds=0) == ()
    assert canned.bodies[0]["WaitTimeSeconds"] == 0


async def test_messages_are_deleted_by_their_handles(
    events: Queue,
    canned: "CannedServer",
    credentials: "Credentials",
    caplog: pytest.LogCaptureFixture,
) -> None:
    canned.then({"Successful": [{"Id": "0"}, {"Id": "1"}]}, 200, **JSON)
    await events.delete(MESSAGES, credentials)
    entries = [
        {"Id": "0", "ReceiptHandle": "canary-handle-1"},
        {"Id": "1", "ReceiptHandle": "canary-handle-2"},
    ]
    assert canned.bodies == [{"QueueUrl": URL, "Entries": entries}]
    assert "sidecar.aws.queue" not in {record.name for record in caplog.records}


async def test_a_message_that_was_not_deleted_is_logged(
    events: Queue,
    canned: "CannedServer",
    credentials: "Credentials",
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = {"Id": "1", "SenderFault": True, "Code": "ReceiptHandleIsInvalid", "Message": "x"}
    canned.then({"Successful": [{"Id": "0"}], "Failed": [failed]}, 200, **JSON)
    await events.delete(MESSAGES, credentials)
    assert caplog.messages == [
        "1 of 2 messages could not be deleted and will come again: ReceiptHandleIsInvalid"
    ]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "QueueDoesNotExist", UpstreamRefused),
        (403, "AccessDenied", UpstreamRefused),
        (400, "RequestThrottled", UpstreamUnavailable),
        (400, "OverLimit", UpstreamUnavailable),
        (400, "KmsThrottled", UpstreamUnavailable),
        (403, "ExpiredToken", UpstreamUnavailable),
        (403, "InvalidClientTokenId", UpstreamUnavailable),
        (503, "ServiceUnavailable", UpstreamUnavailable),
    ],
)
async def test_refusals_and_failures_that_may_pass_are_told_apart(
    events: Queue,
    canned: "CannedServer",
    credentials: "Credentials",
    status: int,
    code: str,
    kind: type[UpstreamError],
) -> None:
    canned.then({"__type": f"com.amazonaws.sqs#{code}", "message": "words"}, status)
    with pytest.raises(UpstreamError) as caught:
        await events.receive(credentials)
    told = caught.value
    assert (type(told), told.code, told.message) == (kind, code, "words")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>canary</html>", id="a captive portal"),
        pytest.param(b'{"Messages":"canary"}', id="a text"),
        pytest.param(b'{"Messages":[{"Body":"canary"}]}', id="half a message"),
        pytest.param(
            b'{"Messages":[{"MessageId":"a","ReceiptHandle":"b","Body":"\\ud800"}]}',
            id="half a surrogate pair",
        ),
    ],
)
async def test_what_is_no_answer_of_aws_is_never_taken_for_one(
    events: Queue,
    canned: "CannedServer",
    credentials: "Credentials",
    caplog: pytest.LogCaptureFixture,
    body: bytes,
) -> None:
    canned.then(body, 200, **(JSON if body.startswith(b"{") else {"Content-Type": "text/html"}))
    with pytest.raises(UpstreamUnavailable, match=r"^Response Error$"):
        await events.receive(credentials)
    (line,) = caplog.messages
    assert line.startswith(f"no answer from SQS to ReceiveMessage of {URL}: ")
    assert "canary" not in line


async def test_a_deletion_that_somebody_else_answered_did_not_happen(
    events: Queue, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then(b"<html></html>", 200, **{"Content-Type": "text/html"})
    with pytest.raises(UpstreamUnavailable, match=r"^Response Error$"):
        await events.delete(MESSAGES, credentials)


async def test_a_queue_that_hangs_is_a_timeout(
    events: Queue, canned: "CannedServer", credentials: "Credentials"
) -> None:
    with pytest.raises(UpstreamTimeout):
        await events.receive(credentials)


def test_an_answer_may_take_longer_than_the_longest_wait() -> None:
    settings: Any = queue._PATIENT
    assert settings.read_timeout > queue.LONGEST_WAIT_SECONDS
    assert settings.retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-central-1.amazonaws.com/123456789012/events", "eu-central-1"),
        ("https://sqs.eu-central-1.api.aws/123456789012/events", "eu-central-1"),
        ("https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/q", "us-gov-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/events", "cn-north-1"),
        ("https://eu-west-1.queue.amazonaws.com/123456789012/events", "eu-west-1"),
        ("https://queue.amazonaws.com/123456789012/events", "us-east-1"),
        ("https://SQS.EU-CENTRAL-1.AMAZONAWS.COM/123456789012/events", "eu-central-1"),
        ("https://vpce-0a1-b2.sqs.us-east-2.vpce.amazonaws.com/123456789012/q", "us-east-2"),
        ("http://127.0.0.1:4566/123456789012/events", None),
        ("https://sqs.eu-central-1.amazonaws.com.example/123456789012/events", None),
        ("https://sqs.amazonaws.com/123456789012/events", None),
        ("events", None),
    ],
)
def test_a_queue_s_url_tells_its_region(url: str, region: str | None) -> None:
    assert region_of(url) == region
