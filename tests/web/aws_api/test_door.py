"""Who is let in at the aws-api door, checked on the wire, each refusal in AWS's shape."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sidecar.access.vended import VendedSessions
    from sidecar.credentials import Credentials
    from tests.conftest import HeardAudit, ManualClock
    from tests.web.aws_api.conftest import Call, PlannedAws, PlannedValues, Send, Sign
    from tests.web.conftest import Wire

GET = "secretsmanager.GetSecretValue"
BODY = b'{"SecretId": "web/database"}'
Lines = list[str]


@pytest.fixture
def head(wire: "Wire", sign: "Sign") -> Lines:
    """Give the head of a good request."""
    return [
        "POST / HTTP/1.1",
        f"Host: {wire.authority}",
        f"Content-Length: {len(BODY)}",
        "Connection: close",
        *sign(GET, BODY),
    ]


def without(head: Lines, name: str) -> Lines:
    return [line for line in head if not line.lower().startswith(f"{name.lower()}:")]


def replaced(old: str, new: str) -> Callable[[Lines], Lines]:
    return lambda head: [line.replace(old, new) for line in head]


async def test_a_good_request_is_answered(send: "Send", head: Lines) -> None:
    assert (await send(head, BODY)).json()["SecretString"] == "hunter2"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda head: [*head, "Via: 1.1 proxy"], 400, "Forwarded"),
        (lambda head: [*head, "X-Forwarded-For: 10.0.0.1"], 400, "Forwarded"),
        (lambda head: [*head, "Origin: http://evil.example"], 403, "BrowserRequest"),
        (lambda head: [*head, "Sec-Fetch-Site: same-origin"], 403, "BrowserRequest"),
        (lambda head: [*without(head, "Host"), "Host: evil.example"], 403, "BadHost"),
        (replaced("POST / ", "GET / "), 405, "MethodNotAllowedException"),
        (replaced("POST / ", "PUT / "), 405, "MethodNotAllowedException"),
        (replaced("POST / ", "POST /x "), 404, "UnknownOperationException"),
        (replaced("POST / ", "POST /? "), 404, "UnknownOperationException"),
        (replaced("POST / ", "POST // "), 404, "UnknownOperationException"),
        (
            replaced("POST / ", "POST /?X-Amz-Signature=00&X-Amz-Algorithm=AWS4-HMAC-SHA256 "),
            400,
            "MissingAuthenticationTokenException",
        ),
        (
            lambda head: [*without(head, "Content-Length"), "Content-Length: 1048577"],
            413,
            "RequestEntityTooLargeException",
        ),
        (lambda head: without(head, "Authorization"), 400, "MissingAuthenticationTokenException"),
        (replaced("Signature=", "Signatur="), 400, "IncompleteSignatureException"),
        (replaced("ASIADEFAULT/", "ASIAOTHER/"), 400, "UnrecognizedClientException"),
        (replaced("ASIADEFAULT/", "ASIASHARED/"), 400, "UnrecognizedClientException"),
        (replaced("token-of-default", "token-of-shared"), 400, "UnrecognizedClientException"),
        (
            replaced("20260301/", "20260302/"),
            400,
            "InvalidSignatureException",
        ),
        (replaced("GetSecretValue", "ListSecrets"), 400, "InvalidSignatureException"),
    ],
)
async def test_what_is_wrong_with_the_head_is_told_and_the_connection_closed(
    change: Callable[[Lines], Lines],
    status: int,
    code: str,
    send: "Send",
    head: Lines,
    values: "PlannedValues",
) -> None:
    answer = await send(change(head), BODY)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert answer.headers["Connection"] == "close"
    assert "x-amzn-RequestId" in answer.headers
    assert (answer.headers.get("Allow") == "POST") == (status == 405)
    assert b"token-of" not in answer.body
    assert b"secret-key" not in answer.body
    assert values.asked == []


@pytest.mark.parametrize(
    ("line", "body"),
    [("Accept: */*", b""), ("Transfer-Encoding: chunked", b"1c\r\n%b\r\n0\r\n\r\n" % BODY)],
)
async def test_a_body_must_say_how_long_it_is(
    line: str, body: bytes, send: "Send", head: Lines
) -> None:
    answer = await send([*without(head, "Content-Length"), line], body)
    assert (answer.status, answer.code) == (411, "MissingContentLength")
    assert answer.headers["Connection"] == "close"


async def test_the_longest_body_is_read(call: "Call", planned_aws: "PlannedAws") -> None:
    planned_aws.then({})
    assert (await call("secretsmanager.ListSecrets", b"x" * 1048576)).status == 200
    assert len(planned_aws.received[0].body) == 1048576


async def test_another_body_than_the_signed_one_is_refused(send: "Send", head: Lines) -> None:
    answer = await send(head, BODY.replace(b"database", b"common12"))
    assert (answer.status, answer.code) == (400, "InvalidSignatureException")


@pytest.mark.parametrize(("seconds", "status"), [(300, 200), (301, 400)])
async def test_a_request_is_good_for_five_minutes(
    seconds: float, status: int, send: "Send", head: Lines, clock: "ManualClock"
) -> None:
    await clock.advance(seconds)
    assert (await send(head, BODY)).status == status


async def test_a_session_that_has_expired_is_told_as_such(
    call: "Call", clock: "ManualClock"
) -> None:
    await clock.advance(3600)
    answer = await call(GET, {"SecretId": "web/database"})
    assert (answer.status, answer.code) == (400, "ExpiredTokenException")


async def test_the_session_of_a_role_that_no_app_may_have_lets_nobody_in(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    answer = await call("secretsmanager.ListSecrets", {}, role="unused")
    assert (answer.status, answer.code) == (400, "UnrecognizedClientException")
    assert planned_aws.received == []


async def test_a_renewed_session_and_the_one_before_it_are_both_known(
    call: "Call",
    sessions: "dict[str, Credentials]",
    vended: "VendedSessions",
    clock: "ManualClock",
) -> None:
    newer = replace(sessions["default"], access_key_id="ASIANEWER")
    vended.keep("default", newer, clock.now())
    before = await call(GET, {"SecretId": "web/database"})
    sessions["default"] = newer
    after = await call(GET, {"SecretId": "web/database"})
    assert (before.status, after.status) == (200, 200)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "GetSecretValue",
        "secretsmanager.",
        "secretsmanager.Get/Value",
        "DynamoDB_20120810.GetItem",
        "secretsmanager.GetSecretValue, AmazonSSM.GetParameter",
        "AmazonSSM.GetParameter",
    ],
)
async def test_an_operation_of_another_service_than_was_signed_for_is_unknown(
    target: str, wire: "Wire", sign: "Sign", send: "Send"
) -> None:
    # Signed for Secrets Manager, whatever the target says.
    lines = sign("secretsmanager.X", BODY, X_Amz_Target=target)
    head = ["POST / HTTP/1.1", f"Host: {wire.authority}", f"Content-Length: {len(BODY)}"]
    answer = await send([*head, "Connection: close", *lines], BODY)
    assert (answer.status, answer.code) == (400, "UnknownOperationException")


async def test_a_region_that_aws_does_not_have_is_no_valid_scope(call: "Call") -> None:
    answer = await call(GET, {"SecretId": "web/database"}, region="mars-north-1")
    assert (answer.status, answer.code) == (400, "InvalidSignatureException")
    assert answer.message == "Credential should be scoped to a valid region."


async def test_the_body_of_a_stranger_is_not_waited_for(send: "Send", head: Lines) -> None:
    stranger = replaced("ASIADEFAULT/", "ASIAOTHER/")(head)
    announced = [*without(stranger, "Content-Length"), "Content-Length: 1000000"]
    assert (await send(announced, b"")).code == "UnrecognizedClientException"


async def test_a_body_that_does_not_come_is_waited_for_a_while(
    send: "Send", head: Lines, audit: "HeardAudit"
) -> None:
    answer = await send(head, BODY[:-1])
    assert (answer.status, answer.code) == (408, "RequestTimeoutException")
    event = audit.only()
    assert (event.result, event.reason) == ("denied", "the body did not arrive")


async def test_a_client_that_leaves_within_its_body_is_no_failure(
    wire: "Wire", head: Lines, caplog: pytest.LogCaptureFixture, call: "Call"
) -> None:
    _, writer = await asyncio.open_connection(wire.host, wire.port)
    writer.write("\r\n".join([*head, "", ""]).encode() + BODY[:5])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    with caplog.at_level(logging.WARNING):
        assert (await call(GET, {"SecretId": "web/database"})).status == 200
        for _ in range(100):  # the loop goes round until the door has seen that nobody is there
            await asyncio.sleep(0)
    # Calls that an earlier test left hanging may be told of as well.
    assert {record.name for record in caplog.records} <= {"sidecar.aws.failed_calls"}


async def test_who_waits_for_100_continue_gets_it(wire: "Wire", head: Lines) -> None:
    reader, writer = await asyncio.open_connection(wire.host, wire.port)
    writer.write("\r\n".join([*head, "Expect: 100-continue", "", ""]).encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
    writer.close()


async def test_a_connection_serves_one_call_after_another(
    wire: "Wire", head: Lines, planned_aws: "PlannedAws", sign: "Sign"
) -> None:
    request = "\r\n".join([*without(head, "Connection"), "", ""]).encode() + BODY
    last = "\r\n".join([*head, "", ""]).encode() + BODY
    answered = await wire.exchange(request + last)
    assert answered.count(b"HTTP/1.1 200 OK") == 2
