"""CreateSession over HTTP: answers, refusals, and ways of getting no answer at all."""

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Thread, current_thread
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from cryptography import x509

from sidecar.arn import profile_arn, role_arn, trust_anchor_arn
from sidecar.aws.http import http_client
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.ca import PrivateKey
from sidecar.credentials import Credentials
from sidecar.errors import IdentityError, UpstreamRefused, UpstreamUnavailable
from sidecar.identity.identity import Identity
from sidecar.identity.signing_key import SoftwareKey
from sidecar.signing.create_session import SessionParameters
from sidecar.signing.x509 import CertifiedKey

if TYPE_CHECKING:
    from tests.aws.conftest import CannedServer
    from tests.conftest import ManualClock

SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/web"
PARAMETERS = SessionParameters(
    trust_anchor_arn=trust_anchor_arn(f"{SCOPE}:trust-anchor/a"),
    profile_arn=profile_arn(f"{SCOPE}:profile/p"),
    role_arn=role_arn(ROLE),
    duration_seconds=900,
    role_session_name=None,
)

Ask = Callable[[str], Any]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with http_client(None) as session:
        yield session


@pytest.fixture
def key(workload: tuple[x509.Certificate, PrivateKey]) -> CertifiedKey:
    return Identity(workload[0], (), SoftwareKey(workload[1])).certified_key()


@pytest.fixture
def ask(http: aiohttp.ClientSession, clock: "ManualClock", key: CertifiedKey) -> Ask:
    """Give a function that asks an endpoint for a session."""

    async def run(endpoint: str) -> Credentials:
        client = RolesAnywhere(http, endpoint=endpoint, region="eu-central-1", clock=clock)
        return await client.create_session(PARAMETERS, key)

    return run


def _answer(now: datetime) -> dict[str, Any]:
    return {
        "credentialSet": [
            {
                "roleArn": ROLE,
                "credentials": {
                    "accessKeyId": "ASIATEST",
                    "secretAccessKey": "canary-secret",
                    "sessionToken": "canary-token",
                    "expiration": (now + timedelta(minutes=15)).isoformat(),
                },
            }
        ]
    }


async def test_a_session_is_dated_by_our_clock(
    ask: Ask, canned: "CannedServer", now: datetime
) -> None:
    canned.then(_answer(now), 201)
    credentials = await ask(canned.url)
    assert (credentials.issued_at, credentials.lifetime) == (now, timedelta(minutes=15))
    assert (credentials.access_key_id, credentials.role_arn) == ("ASIATEST", ROLE)
    assert canned.headers[0]["X-Amz-Date"] == "20260301T120000Z"
    assert canned.bodies == [{"durationSeconds": 900}]


async def test_a_refusal_is_told_apart_from_a_failure_that_may_pass(
    ask: Ask, canned: "CannedServer"
) -> None:
    canned.then({"message": "no"}, 403)
    canned.then({"message": "later"}, 503)
    with pytest.raises(UpstreamRefused, match=r"^CreateSession was refused: 403: no$"):
        await ask(canned.url)
    with pytest.raises(UpstreamUnavailable, match=r"^CreateSession was refused: 503: later$"):
        await ask(canned.url)


async def test_how_long_aws_asks_to_wait_is_passed_on(ask: Ask, canned: "CannedServer") -> None:
    canned.then({"message": "Rate exceeded"}, 429, **{"Retry-After": "12"})
    with pytest.raises(UpstreamUnavailable) as caught:
        await ask(canned.url)
    assert (caught.value.status, caught.value.retry_after_seconds) == (429, 12)


async def test_a_device_that_hangs_is_given_up_and_holds_one_thread_that_no_exit_waits_for(
    http: aiohttp.ClientSession,
    canned: "CannedServer",
    clock: "ManualClock",
    now: datetime,
    key: CertifiedKey,
) -> None:
    over, threads = Event(), list[Thread]()

    def sign(message: bytes) -> bytes:
        threads.append(current_thread())
        over.wait()
        return key.sign(message)

    client = RolesAnywhere(
        http, endpoint=canned.url, region="eu-central-1", clock=clock, signing_seconds=0.05
    )
    try:
        for _ in range(3):
            with pytest.raises(
                IdentityError, match=r"^the private key has not signed within"
            ) as no:
                await client.create_session(PARAMETERS, replace(key, sign=sign))
            assert no.value.hint
        assert [each.daemon for each in threads] == [True]
        assert canned.bodies == []
    finally:
        over.set()
    threads[0].join()


async def test_a_device_that_works_again_is_used_again(
    http: aiohttp.ClientSession,
    canned: "CannedServer",
    clock: "ManualClock",
    now: datetime,
    key: CertifiedKey,
) -> None:
    over = Event()

    def sign(message: bytes) -> bytes:
        over.wait()
        return key.sign(message)

    canned.then(_answer(now), 201)
    client = RolesAnywhere(
        http, endpoint=canned.url, region="eu-central-1", clock=clock, signing_seconds=5
    )
    waiting = asyncio.create_task(client.create_session(PARAMETERS, replace(key, sign=sign)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    over.set()
    assert (await client.create_session(PARAMETERS, key)).access_key_id == "ASIATEST"


async def test_a_redirect_is_not_followed(ask: Ask, canned: "CannedServer") -> None:
    canned.then(b"", 307, Location=f"{canned.url}/elsewhere")
    with pytest.raises(UpstreamRefused):
        await ask(canned.url)
    assert len(canned.bodies) == 1


async def test_an_answer_without_end_is_not_read_to_its_end(
    ask: Ask, canned: "CannedServer"
) -> None:
    canned.then(b"x" * 1_000_000, 201)
    with pytest.raises(UpstreamUnavailable, match=r": the answer is far too long$"):
        await ask(canned.url)


async def test_an_endpoint_where_nobody_listens_is_named_with_the_reason(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        closed = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(UpstreamUnavailable) as caught:
        await ask(closed)
    assert caught.value.message == f"no answer from {closed}: connection refused"
    assert caught.value.hint == "check the network, the proxy and the endpoint"


async def test_an_endpoint_without_tls_is_told_of_the_ca_bundle(
    ask: Ask, canned: "CannedServer"
) -> None:
    with pytest.raises(UpstreamUnavailable) as caught:
        await ask(canned.url.replace("http:", "https:"))
    assert caught.value.hint.startswith("set AWS_CA_BUNDLE to the CA")


async def test_a_proxys_refusal_is_told_without_its_password(
    ask: Ask, canned: "CannedServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    proxy = canned.url.replace("http://", "http://user:canary@")
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(UpstreamUnavailable) as caught:
        await ask("https://rolesanywhere.test")
    assert caught.value.message.endswith(": a proxy answered with status 407")
    assert canned.headers[0]["Proxy-Authorization"].startswith("Basic "), "it was given"
    told = "".join(traceback.format_exception(caught.value))
    assert "canary" not in told
