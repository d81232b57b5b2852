"""Publishing: boto3 against a server that plays SNS's replies, good and bad."""

from typing import TYPE_CHECKING, Final

import pytest

from sidecar.arn import Arn
from sidecar.aws.topic import Topic
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable, UpstreamUnreachable

if TYPE_CHECKING:
    from sidecar.credentials import Credentials
    from tests.aws.conftest import CannedServer

ARN: Final = "arn:aws:sns:eu-west-1:123456789012:alerts"
XML: Final = {"Content-Type": "text/xml"}
NAMESPACE: Final = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'


def _published(inner: str) -> bytes:
    result = f"<PublishResult>{inner}</PublishResult>"
    return f"<PublishResponse {NAMESPACE}>{result}</PublishResponse>".encode()


def _error(code: str) -> bytes:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>not you</Message></Error>"
    return f"<ErrorResponse {NAMESPACE}>{error}</ErrorResponse>".encode()


@pytest.fixture
def topic(canned: "CannedServer") -> Topic:
    return Topic(Arn.parse(ARN), lambda *_: canned.url, ca_bundle=None)


async def test_a_message_is_published_signed_for_the_topic_s_region(
    topic: Topic, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then(_published("<MessageId>m-1</MessageId>"), 200, **XML)
    assert await topic.publish("text", {"kind": "test"}, credentials) == "m-1"
    [body] = canned.bodies
    assert (body["Action"], body["TopicArn"], body["Message"]) == ("Publish", ARN, "text")
    assert body["MessageAttributes.entry.1.Name"] == "kind"
    assert body["MessageAttributes.entry.1.Value.StringValue"] == "test"
    assert canned.headers[0]["Authorization"].split("/")[2:4] == ["eu-west-1", "sns"]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AuthorizationError", 403, UpstreamRefused),
        ("NotFound", 404, UpstreamRefused),
        ("Throttled", 429, UpstreamUnavailable),
        ("InternalError", 500, UpstreamUnavailable),
    ],
)
async def test_an_error_says_whether_to_try_again_and_is_not_tried_again_here(
    *,
    code: str,
    status: int,
    kind: type[UpstreamError],
    topic: Topic,
    canned: "CannedServer",
    credentials: "Credentials",
) -> None:
    canned.then(_error(code), status, **XML)
    with pytest.raises(kind):
        await topic.publish("text", {}, credentials)
    assert len(canned.bodies) == 1


async def test_an_answer_without_an_id_is_not_taken_for_success(
    topic: Topic, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then(_published(""), 200, **XML)
    with pytest.raises(UpstreamUnreachable):
        await topic.publish("text", {}, credentials)
