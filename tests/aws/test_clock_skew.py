"""A machine whose clock is wrong: one signature more, sessions of the right length, one warning."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final, cast

import aiohttp
import pytest
from cryptography import x509
from yarl import URL

from sidecar.arn import profile_arn, role_arn, trust_anchor_arn
from sidecar.aws.http import http_client
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.ca import PrivateKey
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamRefused
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
)
_CODE: Final = {"code": "AccessDeniedException"}
EXPIRED: Final = {**_CODE, "message": "Signature expired: it is more than 5 minutes ago"}
DENIED: Final = {**_CODE, "message": "Unable to assume role"}
# As a proxy refuses: AWS gives a code.
NO_CODE: Final = {"message": "Signature expired"}

Ask = Callable[[], Coroutine[Any, Any, Credentials]]


@pytest.fixture
async def client(canned: "CannedServer", clock: "ManualClock") -> AsyncIterator[RolesAnywhere]:
    async with http_client(None) as http:
        yield RolesAnywhere(http, endpoint=canned.url, region="eu-central-1", clock=clock)


class Detour:
    """An HTTP client that sends everything to one server, as if that were where it should go."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = URL(url)

    def post(self, url: URL, **options: Any) -> Any:
        there = url.with_scheme(self._url.scheme).with_host("127.0.0.1").with_port(self._url.port)
        return self._http.post(there, **options)


@pytest.fixture
def key(workload: tuple[x509.Certificate, PrivateKey]) -> CertifiedKey:
    return Identity(workload[0], (), SoftwareKey(workload[1])).certified_key()


@pytest.fixture
def ask(client: RolesAnywhere, key: CertifiedKey) -> Ask:
    async def run() -> Credentials:
        return await client.create_session(PARAMETERS, key)

    return run


def _session(aws_now: datetime) -> dict[str, Any]:
    return {
        "credentialSet": [
            {
                "roleArn": ROLE,
                "credentials": {
                    "accessKeyId": "ASIATEST",
                    "secretAccessKey": "canary-secret",
                    "sessionToken": "canary-token",
                    "expiration": (aws_now + timedelta(minutes=15)).isoformat(),
                },
            }
        ]
    }


def _date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def _signed_for(canned: "CannedServer") -> list[str]:
    return [each["X-Amz-Date"] for each in canned.headers]


@pytest.mark.parametrize(
    ("apart", "told"),
    [
        pytest.param(10, "10.0 minutes behind AWS's", id="behind"),
        pytest.param(-180, "180.0 minutes ahead of AWS's", id="ahead"),
    ],
)
async def test_a_request_refused_for_its_date_is_signed_again_with_awss_time(
    apart: int,
    told: str,
    ask: Ask,
    canned: "CannedServer",
    now: datetime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    aws_now = now + timedelta(minutes=apart)
    canned.then(EXPIRED, 403, Date=_date(aws_now))
    canned.then(_session(aws_now), 201, Date=_date(aws_now))
    session = await ask()
    assert _signed_for(canned) == ["20260301T120000Z", f"{aws_now:%Y%m%dT%H%M%SZ}"]
    assert session.remaining(now) == timedelta(minutes=15)
    assert len(caplog.messages) == 1
    assert f"{canned.url}: this machine's clock is {told}; requests are dated" in caplog.text


async def test_a_refusal_without_words_is_about_the_date_when_that_is_minutes_off(
    ask: Ask, canned: "CannedServer", now: datetime
) -> None:
    aws_now = now + timedelta(minutes=5)
    canned.then(DENIED, 403, Date=_date(aws_now))
    canned.then(_session(aws_now), 201, Date=_date(aws_now))
    await ask()
    assert _signed_for(canned) == ["20260301T120000Z", "20260301T120500Z"]


@pytest.mark.parametrize(
    ("words", "status", "seconds"),
    [
        pytest.param(DENIED, 403, 10, id="denied, clocks agree"),
        pytest.param(DENIED, 403, 200, id="denied, clocks near enough"),
        pytest.param(EXPIRED, 403, 10, id="expired on the way, clocks agree"),
        pytest.param(DENIED, 400, 600, id="invalid"),
        pytest.param(EXPIRED, 403, None, id="no date"),
        pytest.param(EXPIRED, 403, 86_401, id="a date that no clock has"),
        pytest.param(NO_CODE, 403, 600, id="a proxy's"),
    ],
)
async def test_any_other_refusal_is_not_asked_again(
    words: dict[str, str],
    status: int,
    seconds: int | None,
    ask: Ask,
    canned: "CannedServer",
    now: datetime,
) -> None:
    dates = {} if seconds is None else {"Date": _date(now + timedelta(seconds=seconds))}
    canned.then(words, status, **dates)
    with pytest.raises(UpstreamRefused):
        await ask()
    assert len(canned.bodies) == 1


async def test_a_second_refusal_for_the_date_is_the_answer(
    ask: Ask, canned: "CannedServer", now: datetime
) -> None:
    canned.then(EXPIRED, 403, Date=_date(now + timedelta(minutes=10)))
    canned.then(EXPIRED, 403, Date=_date(now + timedelta(minutes=20)))
    with pytest.raises(UpstreamRefused) as caught:
        await ask()
    assert len(canned.bodies) == 2
    assert caught.value.hint.startswith("this machine's clock is 20.0 minutes behind AWS's")


async def test_the_difference_is_kept_for_later_calls_and_told_once(
    ask: Ask, canned: "CannedServer", now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    aws_now = now + timedelta(minutes=10)
    canned.then(EXPIRED, 403, Date=_date(aws_now))
    canned.then(_session(aws_now), 201, Date=_date(aws_now))
    await ask()
    await ask()
    assert _signed_for(canned)[1:] == ["20260301T121000Z"] * 2
    assert len(caplog.messages) == 1


async def test_a_clock_that_was_set_is_believed_again(
    ask: Ask, canned: "CannedServer", clock: "ManualClock", now: datetime
) -> None:
    aws_now = now + timedelta(minutes=10)
    canned.then(EXPIRED, 403, Date=_date(aws_now))
    canned.then(_session(aws_now), 201, Date=_date(aws_now))
    canned.then(EXPIRED, 403, Date=_date(aws_now))
    canned.then(_session(aws_now), 201, Date=_date(aws_now))
    await ask()
    clock.set_wall(600)
    session = await ask()
    await ask()
    assert _signed_for(canned)[2:] == ["20260301T122000Z", *["20260301T121000Z"] * 2]
    assert session.remaining(aws_now) == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("answer", "status", "date"),
    [
        pytest.param(b"<html>", 503, "Sun, 01 Mar 2026 12:10:00 GMT", id="a proxy's error"),
        pytest.param(b"<html>", 403, "Sun, 01 Mar 2026 12:10:00 GMT", id="a proxy's refusal"),
        pytest.param(b"<html>", 200, "Sun, 01 Mar 2026 12:10:00 GMT", id="a proxy's welcome"),
        pytest.param(EXPIRED, 403, "Mon, 02 Mar 2026 12:00:01 GMT", id="more than a day off"),
        pytest.param(EXPIRED, 503, "Fri, 31 Dec 9999 23:59:59 GMT", id="the end of all time"),
        pytest.param(EXPIRED, 503, "Mon, 01 Jan 0001 00:00:00 GMT", id="its beginning"),
    ],
)
async def test_nothing_is_learned_from_what_is_not_aws_or_cannot_be_true(
    answer: object,
    status: int,
    date: str,
    ask: Ask,
    canned: "CannedServer",
    now: datetime,
) -> None:
    canned.then(answer, status, Date=date)
    canned.then(_session(now), 201, Date=_date(now))
    with pytest.raises(UpstreamError):
        await ask()
    assert (await ask()).remaining(now) == timedelta(minutes=15)
    assert _signed_for(canned) == ["20260301T120000Z"] * 2


async def test_even_a_session_that_was_given_at_once_is_measured_by_our_clock(
    ask: Ask, canned: "CannedServer", now: datetime
) -> None:
    """AWS takes a signature that is three minutes old; the session must not look longer for it."""
    aws_now = now + timedelta(minutes=3)
    canned.then(_session(aws_now), 201, Date=_date(aws_now))
    assert (await ask()).remaining(now) == timedelta(minutes=15)
    assert len(canned.bodies) == 1


async def test_a_device_that_signs_slowly_is_not_taken_for_a_wrong_clock(
    client: RolesAnywhere,
    key: CertifiedKey,
    canned: "CannedServer",
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    def sign(message: bytes) -> bytes:
        clock.jump(60)
        return key.sign(message)

    later = clock.now() + timedelta(seconds=60)
    canned.then(_session(later), 201, Date=_date(later))
    session = await client.create_session(PARAMETERS, replace(key, sign=sign))
    assert session.remaining(later) == timedelta(minutes=15)
    assert "sidecar.aws.roles_anywhere" not in {record.name for record in caplog.records}


@pytest.mark.parametrize("date", ["", "soon", "Sun, 99 Mar 2026 12:00:00 GMT"])
async def test_a_date_that_is_none_changes_nothing(
    date: str, ask: Ask, canned: "CannedServer", now: datetime
) -> None:
    canned.then(_session(now), 201, Date=date)
    assert (await ask()).remaining(now) == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("endpoint", "verified", "signatures"),
    [
        pytest.param("http://aws.test", True, 1, id="anybody on the way could have written it"),
        pytest.param("http://192.0.2.7:4566", True, 1, id="nor from another machine's address"),
        pytest.param("https://aws.test", False, 1, id="TLS with whomever"),
        pytest.param("http://localhost:4566", True, 2, id="this machine"),
        pytest.param("https://localhost:4566", False, 2, id="this machine, whoever it is"),
        pytest.param("http://[::1]:4566", True, 2, id="this machine by IPv6"),
        pytest.param("https://aws.test", True, 2, id="TLS"),
    ],
)
async def test_a_date_is_believed_only_where_nobody_can_forge_it(
    endpoint: str,
    verified: bool,
    signatures: int,
    canned: "CannedServer",
    clock: "ManualClock",
    key: CertifiedKey,
) -> None:
    """Who forges dates gets signatures for tomorrow, and has a session then."""
    canned.then(EXPIRED, 403, Date=_date(clock.now() + timedelta(minutes=10)))
    async with http_client(None) as http:
        detour = cast("aiohttp.ClientSession", Detour(http, canned.url))
        client = RolesAnywhere(
            detour, endpoint=endpoint, region="eu-central-1", clock=clock, verified=verified
        )
        with pytest.raises(UpstreamRefused, match="Signature expired"):
            await client.create_session(PARAMETERS, key)
    assert len(canned.bodies) == signatures
