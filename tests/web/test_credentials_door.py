"""The credentials door over real sockets: the contract that every AWS SDK relies on."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from sidecar.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from tests.conftest import HeardAudit, ManualClock
    from tests.web.conftest import PlannedSource, Reply, Wire

WEB = "Authorization: token-of-the-web-app-0001"
BATCH = "Authorization: token-of-the-batch-app-02"
IDLE = "Authorization: token-of-an-app-without-any"
NOBODY = "the app's token is wanted once in Authorization, and must count"
WRONG = "Authorization: token-of-nobody-at-all-9"
HOUR = 3600.0
DOWN = UpstreamUnavailable("no answer from AWS", hint="check the network")
KEYS = [
    "Code",
    "LastUpdated",
    "Type",
    "AccessKeyId",
    "SecretAccessKey",
    "Token",
    "Expiration",
    "RoleArn",
    "AccountId",
]


def is_refused(reply: "Reply", status: int, code: str, message: str) -> bool:
    """Whether the reply is this refusal, in the four keys that SDKs look for."""
    assert reply.header("Content-Type") == "application/json"
    body = reply.json()
    assert list(body) == ["code", "message", "Code", "Message"]
    assert (body["Code"], body["Message"]) == (body["code"], body["message"])
    return (reply.status, body["code"], body["message"]) == (status, code, message)


async def test_the_answer_is_one_that_every_sdk_can_read(credentials: "Wire") -> None:
    reply = await credentials.ask("/credentials", WEB)
    assert reply.status_line == "HTTP/1.1 200 OK"
    assert reply.json() == {
        "Code": "Success",
        "LastUpdated": "2026-03-01T12:00:00Z",
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIADEFAULT1",
        "SecretAccessKey": "secret-key-1",
        "Token": "session-token-1",
        "Expiration": "2026-03-01T13:00:00Z",
        "RoleArn": "arn:aws:iam::123456789012:role/default",
        "AccountId": "123456789012",
    }
    assert list(reply.json()) == KEYS
    assert len(reply.body) < 10_000


@pytest.mark.parametrize("token", [WEB, WRONG], ids=["answer", "refusal"])
async def test_headers_are_those_that_sdks_and_browsers_need(
    token: str, credentials: "Wire"
) -> None:
    reply = await credentials.ask("/credentials", token)
    assert reply.header("Content-Type") == "application/json"
    assert reply.header("Cache-Control") == "no-store"
    assert reply.header("Connection") == "close"
    assert reply.header("X-Content-Type-Options") == "nosniff"
    assert reply.header("Content-Encoding") is None
    assert reply.header("Location") is None
    assert not [name for name, _ in reply.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("token", [WEB, WRONG], ids=["answer", "refusal"])
async def test_the_door_closes_the_connection_itself(token: str, credentials: "Wire") -> None:
    request = f"GET /credentials HTTP/1.1\r\nHost: {credentials.authority}\r\n{token}\r\n\r\n"
    assert (await credentials.send(request)).header("Connection") == "close"


@pytest.mark.parametrize(
    ("target", "role"),
    [
        ("/credentials", "default"),
        ("/credentials/", "default"),
        ("//credentials", "default"),
        ("///credentials/", "default"),
        ("/credentials/default", "default"),
        ("/credentials/default/", "default"),
        ("/credentials/reports", "reports"),
        ("//credentials/reports/", "reports"),
        ("/credentials/%72eports", "reports"),
    ],
)
async def test_every_way_to_write_the_path_is_served_directly(
    target: str, role: str, credentials: "Wire"
) -> None:
    reply = await credentials.ask(target, WEB)
    assert reply.status == 200
    assert reply.json()["RoleArn"].endswith(f":role/{role}")


@pytest.mark.parametrize(
    ("target", "status", "code", "message"),
    [
        ("/", 404, "NotFound", "there is nothing at this path"),
        ("/credential", 404, "NotFound", "there is nothing at this path"),
        ("/Credentials", 404, "NotFound", "there is nothing at this path"),
        ("/credentials//", 404, "NotFound", "there is nothing at this path"),
        ("/credentials/default/x", 404, "NotFound", "there is nothing at this path"),
        ("/credentials/../credentials", 404, "NotFound", "there is nothing at this path"),
        ("/latest/meta-data/", 404, "NotFound", "there is nothing at this path"),
        ("/credentials/nobody", 404, "NotFound", "there is no such role"),
        ("/credentials/%2e%2e", 404, "NotFound", "there is no such role"),
        ("/credentials?role=reports", 400, "BadRequest", "this door takes no query string"),
        ("/credentials?", 400, "BadRequest", "this door takes no query string"),
    ],
)
async def test_other_paths_are_refused(
    target: str, status: int, code: str, message: str, credentials: "Wire"
) -> None:
    assert is_refused(await credentials.ask(target, WEB), status, code, message)


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer ", "BEARER "])
async def test_the_token_is_taken_raw_or_as_a_bearer(scheme: str, credentials: "Wire") -> None:
    header = f"Authorization: {scheme}token-of-the-web-app-0001"
    assert (await credentials.ask("/credentials", header)).status == 200


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param((), "no Authorization header", id="none"),
        pytest.param((WEB, WEB), "more than one Authorization header", id="two"),
        pytest.param((WRONG, WEB), "more than one Authorization header", id="wrong-and-right"),
        *(
            pytest.param((line,), "the token belongs to no app", id=line)
            for line in (
                WRONG,
                "Authorization:",
                WEB[:-1],
                f"{WEB}1",
                WEB.upper(),
                WEB.replace(": ", ": Basic "),
                WEB.replace(": ", ": Bearer Bearer "),
                f"{WEB}, {WEB.removeprefix('Authorization: ')}",
                "Authorization: \u00fc\u00ff-not-ascii-but-long-enough",
            )
        ),
    ],
)
async def test_without_exactly_one_known_token_there_is_nothing(
    lines: tuple[str, ...], reason: str, credentials: "Wire", audit: "HeardAudit"
) -> None:
    reply = await credentials.ask("/credentials", *lines)
    assert is_refused(reply, 401, "Unauthorized", NOBODY)
    assert b"token-of" not in reply.body
    told = audit.only()
    assert (told.door, told.result, told.reason) == ("credentials", "denied", reason)


async def test_an_unknown_caller_learns_nothing_of_the_roles(credentials: "Wire") -> None:
    paths = ("/credentials", "/credentials/default", "/credentials/nobody", "/nothing")
    replies = [await credentials.ask(path, WRONG) for path in paths]
    assert {(each.status, each.body) for each in replies} == {(401, replies[0].body)}


@pytest.mark.parametrize(
    ("token", "target", "message"),
    [
        (BATCH, "/credentials/default", "app batch may not have role default"),
        (IDLE, "/credentials/default", "app idle may not have role default"),
        (IDLE, "/credentials", "app idle may have no role"),
    ],
)
async def test_an_app_gets_its_own_roles_only(
    token: str, target: str, message: str, credentials: "Wire"
) -> None:
    assert is_refused(await credentials.ask(target, token), 403, "AccessDenied", message)


async def test_an_app_without_a_named_role_gets_its_first(credentials: "Wire") -> None:
    reply = await credentials.ask("/credentials", BATCH)
    assert reply.json()["RoleArn"].endswith(":role/reports")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
async def test_only_get_is_answered(method: str, credentials: "Wire") -> None:
    reply = await credentials.ask("/credentials", WEB, method=method)
    assert (reply.status, reply.header("Allow")) == (405, "GET")
    assert method == "HEAD" or is_refused(reply, 405, "MethodNotAllowed", "Not allowed")


async def test_an_expired_set_is_never_served(
    credentials: "Wire", sources: "dict[str, PlannedSource]", clock: "ManualClock"
) -> None:
    sources["default"].failure = DOWN
    await clock.advance(HOUR - 0.5)
    assert (await credentials.ask("/credentials", WEB)).status == 200
    clock.jump(0.5)
    reply = await credentials.ask("/credentials", WEB)
    message = "no valid session for role default: no answer from AWS (check the network)"
    assert is_refused(reply, 503, "CredentialsUnavailable", message)
    assert (await credentials.ask("/credentials/reports", WEB)).status == 200


async def test_a_new_set_is_served_as_soon_as_it_is_there(
    credentials: "Wire", clock: "ManualClock"
) -> None:
    await clock.advance(HOUR - 60)
    body = (await credentials.ask("/credentials", WEB)).json()
    assert body["AccessKeyId"] == "ASIADEFAULT2"
    assert body["Expiration"] > "2026-03-01T13:15:00Z"


async def test_moments_have_whole_seconds_and_the_zone_letter(credentials: "Wire") -> None:
    body = (await credentials.ask("/credentials", WEB)).json()
    for key in ("LastUpdated", "Expiration"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body[key])


async def test_a_cold_start_is_waited_for_but_not_longer_than_sdks_wait(
    cold_credentials: "Wire",
    sources: "dict[str, PlannedSource]",
    run_roles: Callable[[], Awaitable[None]],
) -> None:
    sources["default"].gate.clear()
    await run_roles()
    loop = asyncio.get_running_loop()
    began = loop.time()
    reply = await cold_credentials.ask("/credentials", WEB)
    message = "no session for role default yet (ask again in a second)"
    assert is_refused(reply, 503, "CredentialsUnavailable", message)
    assert 0.5 < loop.time() - began < 2


async def test_a_first_session_that_comes_in_time_is_served(
    cold_credentials: "Wire",
    sources: "dict[str, PlannedSource]",
    run_roles: Callable[[], Awaitable[None]],
    clock: "ManualClock",
) -> None:
    sources["default"].gate.clear()
    await run_roles()
    waiting = asyncio.create_task(cold_credentials.ask("/credentials", WEB))
    assert (await cold_credentials.ask("/credentials", WRONG)).status == 401
    sources["default"].gate.set()
    assert (await waiting).status == 200


async def test_after_a_failed_start_nobody_waits_and_the_reason_is_told(
    cold_credentials: "Wire",
    sources: "dict[str, PlannedSource]",
    run_roles: Callable[[], Awaitable[None]],
) -> None:
    sources["default"].failure = DOWN
    await run_roles()
    async with asyncio.timeout(0.7):
        reply = await cold_credentials.ask("/credentials", WEB)
    message = "no valid session for role default: no answer from AWS (check the network)"
    assert is_refused(reply, 503, "CredentialsUnavailable", message)


async def test_answers_come_from_memory(
    credentials: "Wire", sources: "dict[str, PlannedSource]"
) -> None:
    bodies = {(await credentials.ask("/credentials", WEB)).body for _ in range(20)}
    assert len(bodies) == 1
    assert json.loads(bodies.pop())["Code"] == "Success"
    assert sources["default"].asked == 1
