"""Sending calls on: what becomes of a proxy, an odd endpoint, and an AWS that does not answer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
import pytest

from sidecar.aws.asker import asking_for
from sidecar.aws.forwarding import PLACES, Forwarder, NotSent, signed_headers
from sidecar.aws.json_api import ApiCall
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamRefused, UpstreamTimeout
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.aws.conftest import CannedServer

CALL = ApiCall(
    "ssm",
    "eu-west-1",
    (
        ("X-Amz-Target", "AmazonSSM.GetParameter"),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("authorization", "of the caller"),
        ("X-AMZ-SECURITY-TOKEN", "of-the-caller"),
        ("x-amz-date", "19700101T000000Z"),
        ("X-Amz-Content-Sha256", "0"),
        ("Connection", "keep-alive"),
        ("user-agent", "app/1"),
        ("X-Amzn-Trace-Id", "Root=1"),
    ),
    b'{"Name": "a"}',
)


@pytest.fixture
def session(now: datetime) -> Credentials:
    return Credentials(
        access_key_id="ASIAEXAMPLE",
        secret_access_key=Secret("the-secret-key"),
        session_token=Secret("the-session-token"),
        issued_at=now,
        expires_at=now + timedelta(hours=1),
        role_arn="arn:aws:iam::123456789012:role/web",
        account_id="123456789012",
    )


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


def test_the_callers_signature_is_replaced_and_what_was_asked_stays(session: Credentials) -> None:
    sent = signed_headers(CALL, "https://ssm.eu-west-1.amazonaws.com/", session)
    lower = {name.lower(): value for name, value in sent.items()}
    assert len(lower) == len(sent)
    assert lower.keys() == {
        "authorization",
        "content-type",
        "user-agent",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-target",
        "x-amzn-trace-id",
    }
    assert "Credential=ASIAEXAMPLE/" in lower["authorization"]
    assert (
        "content-type;host;x-amz-date;x-amz-security-token;x-amz-target" in (lower["authorization"])
    )
    assert lower["x-amz-security-token"] == "the-session-token"
    assert lower["x-amz-date"] != "19700101T000000Z"


@pytest.mark.parametrize("end", ["", "/"])
async def test_an_endpoint_may_end_with_a_slash(
    end: str, canned: "CannedServer", http: aiohttp.ClientSession, session: Credentials
) -> None:
    canned.then({"Parameter": {}})
    forwarder = Forwarder(http, lambda *_: f"{canned.url}{end}")
    assert await forwarder.ask(CALL, session) == b'{"Parameter": {}}'
    assert canned.bodies == [{"Name": "a"}]


async def test_a_refusal_is_raised_to_who_wants_only_the_answer(
    canned: "CannedServer", http: aiohttp.ClientSession, session: Credentials
) -> None:
    canned.then({"__type": "ParameterNotFound"}, 400)
    forwarder = Forwarder(http, lambda *_: canned.url)
    with pytest.raises(UpstreamRefused) as caught:
        await forwarder.ask(CALL, session)
    assert caught.value.code == "ParameterNotFound"
    assert (await forwarder.send(CALL, session)).status == 400


async def test_silence_ends_in_a_timeout(
    canned: "CannedServer", http: aiohttp.ClientSession, session: Credentials
) -> None:
    forwarder = Forwarder(http, lambda *_: canned.url, answer_seconds=0.05)
    with pytest.raises(UpstreamTimeout, match="no answer from ssm in eu-west-1: TimeoutError"):
        await forwarder.send(CALL, session)


async def test_a_closed_port_is_unreachable(
    http: aiohttp.ClientSession, session: Credentials
) -> None:
    forwarder = Forwarder(http, lambda *_: "http://127.0.0.1:1")
    with pytest.raises(NotSent, match="no answer from ssm in eu-west-1") as caught:
        await forwarder.send(CALL, session)
    assert "the-" not in str(caught.value)


async def test_the_proxy_of_the_environment_is_used(
    canned: "CannedServer",
    http: aiohttp.ClientSession,
    session: Credentials,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", canned.url)
    monkeypatch.setenv("no_proxy", "")
    canned.then({})
    forwarder = Forwarder(http, lambda *_: "http://ssm.example.test")
    assert await forwarder.ask(CALL, session) == b"{}"
    assert canned.headers[0]["Host"] == "ssm.example.test"


async def test_a_region_without_an_endpoint_is_a_value_error(
    http: aiohttp.ClientSession, session: Credentials
) -> None:
    def none(service: str, region: str) -> str:
        raise ValueError(region)

    with pytest.raises(ValueError, match="eu-west-1"):
        await Forwarder(http, none).send(CALL, session)


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the address of a server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=PLACES) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def _hanging(forwarder: Forwarder, session: Credentials) -> AsyncIterator[None]:
    """Let a greedy app's calls to another region wait for as long as the block lasts."""
    with asking_for("greedy"):
        elsewhere = replace(CALL, region="us-east-1")
        calls = [
            asyncio.create_task(forwarder.send(elsewhere, session)) for _ in range(PLACES // 2)
        ]
    await asyncio.sleep(0)
    yield
    assert not any(call.done() for call in calls)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_calls_for_one_app_that_hang_hold_up_none_for_another(
    canned: "CannedServer", silent: str, http: aiohttp.ClientSession, session: Credentials
) -> None:
    canned.then({})
    forwarder = Forwarder(http, lambda _, region: canned.url if region == CALL.region else silent)
    async with _hanging(forwarder, session), asyncio.timeout(5):
        with asking_for("modest"):
            assert await forwarder.ask(CALL, session) == b"{}"


async def test_behind_calls_that_hang_a_call_waits_only_so_long_and_is_not_sent(
    silent: str, http: aiohttp.ClientSession, session: Credentials
) -> None:
    forwarder = Forwarder(http, lambda *_: silent, longest_wait_seconds=0.05)
    async with _hanging(forwarder, session):
        with asking_for("greedy"), pytest.raises(NotSent, match="too many calls are under way"):
            await forwarder.send(CALL, session)
