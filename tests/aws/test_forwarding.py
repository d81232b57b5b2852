"""Sending calls on: what becomes of a proxy, an odd endpoint, and an AWS that does not answer."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
import pytest

from sidecar.aws.forwarding import Forwarder, NotSent, signed_headers
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
