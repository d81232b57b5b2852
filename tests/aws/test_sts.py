"""Asking STS: what is sent, what is accepted as an answer, and ways of getting none."""

import json
import socket
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import HTTPServer
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config

from sidecar.arn import Arn, role_arn
from sidecar.aws.sts import BOTO_CONFIG, SessionRequest, Sts
from sidecar.clock import iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.aws.conftest import CannedServer
    from tests.conftest import ManualClock

IMPATIENT = BOTO_CONFIG.merge(Config(connect_timeout=1, read_timeout=2))
ROLE = role_arn("arn:aws:iam::999999999999:role/team/api")
SESSION = "arn:aws:sts::999999999999:assumed-role/api/api@vm-7"
REQUEST = SessionRequest(role_arn=ROLE, session_name="api@vm-7", duration_seconds=900)
POLICY = json.dumps({"Statement": []})
FULL = SessionRequest(
    role_arn=ROLE,
    session_name="api@vm-7",
    duration_seconds=3600,
    policy=POLICY,
    policy_arns=(Arn.parse("arn:aws:iam::aws:policy/A"), Arn.parse("arn:aws:iam::aws:policy/B")),
    external_id="tenant-42",
    tags=(("team", "payments"), ("e", "")),
    transitive_tag_keys=("team",),
)
TOKEN = Secret("canary-web-identity-token")


@pytest.fixture
def credentials(now: datetime) -> Credentials:
    return Credentials(
        access_key_id="ASIAPARENT",
        secret_access_key=Secret("canary-secret-key"),
        session_token=Secret("canary-session"),
        issued_at=now,
        expires_at=now + timedelta(hours=1),
        role_arn="arn:aws:iam::123456789012:role/web",
        account_id="123456789012",
    )


@pytest.fixture
def sts(canned_server: HTTPServer, clock: "ManualClock") -> Sts:
    url = f"http://127.0.0.1:{canned_server.server_port}"
    return Sts(region="eu-central-1", endpoint_url=url, clock=clock, boto_config=IMPATIENT)


def _answer(now: datetime, operation: str = "AssumeRole", **changes: str) -> bytes:
    fields = {
        "Arn": SESSION,
        "AccessKeyId": "ASIACHAINED",
        "SecretAccessKey": "canary-new-key",
        "SessionToken": "canary-new-token",
        "Expiration": iso_seconds(now + timedelta(seconds=900)),
    } | changes
    parts = {name: f"<{name}>{value}</{name}>" for name, value in fields.items() if value != "-"}
    user = f"{parts.pop('Arn', '')}<AssumedRoleId>AROA:x</AssumedRoleId>"
    return (
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{operation}Result><AssumedRoleUser>{user}</AssumedRoleUser><Credentials>{''.join(parts.values())}</Credentials>"
        f"</{operation}Result></{operation}Response>"
    ).encode()


def _error(code: str, message: str = "") -> bytes:
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "</ErrorResponse>"
    ).encode()


async def _refused(sts: Sts, credentials: Credentials) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await sts.assume_role(REQUEST, credentials)
    assert "canary" not in f"{caught.value!r} {caught.value.hint}"
    return caught.value


async def test_everything_asked_for_is_sent_and_signed(
    canned: "CannedServer", sts: Sts, credentials: Credentials, now: datetime
) -> None:
    canned.then(_answer(now))
    await sts.assume_role(FULL, credentials)
    assert canned.bodies == [
        {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": str(ROLE),
            "RoleSessionName": "api@vm-7",
            "DurationSeconds": "3600",
            "Policy": POLICY,
            "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/A",
            "PolicyArns.member.2.arn": "arn:aws:iam::aws:policy/B",
            "ExternalId": "tenant-42",
            "Tags.member.1.Key": "team",
            "Tags.member.1.Value": "payments",
            "Tags.member.2.Key": "e",
            "TransitiveTagKeys.member.1": "team",
        }
    ]
    [headers] = canned.headers
    assert headers["X-Amz-Security-Token"] == "canary-session"
    assert "/eu-central-1/sts/aws4_request" in headers["Authorization"]


async def test_nothing_is_sent_that_was_not_asked_for(
    canned: "CannedServer", sts: Sts, credentials: Credentials, now: datetime
) -> None:
    canned.then(_answer(now))
    await sts.assume_role(REQUEST, credentials)
    assert set(canned.bodies[0]) == {
        "Action",
        "Version",
        "RoleArn",
        "RoleSessionName",
        "DurationSeconds",
    }


async def test_a_token_is_sent_without_a_signature(
    canned: "CannedServer", sts: Sts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-the-environment")
    canned.then(_answer(now, "AssumeRoleWithWebIdentity"))
    await sts.assume_role_with_web_identity(REQUEST, TOKEN)
    assert canned.bodies[0]["WebIdentityToken"] == TOKEN.reveal()
    assert canned.bodies[0]["Action"] == "AssumeRoleWithWebIdentity"
    assert not {"authorization", "x-amz-security-token"} & {
        name.lower() for name in canned.headers[0]
    }


async def test_for_a_token_nobody_is_asked_for_credentials(
    canned: "CannedServer", sts: Sts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{canned.url}/credentials")
    canned.then(_answer(now, "AssumeRoleWithWebIdentity"))
    await sts.assume_role_with_web_identity(REQUEST, TOKEN)
    assert len(canned.headers) == 1


@pytest.mark.parametrize("by_token", [False, True], ids=["signed", "by token"])
async def test_an_answer_becomes_credentials_of_the_role_asked_for(
    canned: "CannedServer", sts: Sts, credentials: Credentials, now: datetime, by_token: bool
) -> None:
    canned.then(_answer(now, "AssumeRoleWithWebIdentity" if by_token else "AssumeRole"))
    if by_token:
        found = await sts.assume_role_with_web_identity(REQUEST, TOKEN)
    else:
        found = await sts.assume_role(REQUEST, credentials)
    assert found == Credentials(
        access_key_id="ASIACHAINED",
        secret_access_key=Secret("canary-new-key"),
        session_token=Secret("canary-new-token"),
        issued_at=now,
        expires_at=now + timedelta(seconds=900),
        role_arn=str(ROLE),
        account_id="999999999999",
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"Arn": SESSION + "x"}, "it is for another session", id="another name"),
        pytest.param(
            {"Arn": SESSION.replace("999999999999", "123456789012")},
            "it is for another session",
            id="another account",
        ),
        pytest.param({"Arn": "-"}, "KeyError", id="no role"),
        pytest.param({"AccessKeyId": "-"}, "KeyError", id="a part is missing"),
        pytest.param(
            {"SecretAccessKey": ""},
            "SecretAccessKey is empty, too long or not plain text",
            id="an empty part",
        ),
        pytest.param(
            {"SessionToken": "canary" * 2000},
            "SessionToken is empty, too long or not plain text",
            id="a part of any length",
        ),
        pytest.param(
            {"AccessKeyId": "canary ö"},
            "AccessKeyId is empty, too long or not plain text",
            id="not plain text",
        ),
        pytest.param({"Expiration": "2026-03-01T12:00:00Z"}, "already expired", id="expired"),
        pytest.param(
            {"Expiration": "2026-03-01T12:31:00Z"},
            "it claims to last longer than was asked",
            id="too long a life",
        ),
        pytest.param({"Expiration": "-"}, "KeyError", id="no end"),
        pytest.param({"Expiration": "canary"}, "ValueError", id="no date"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_told_without_quoting_it(
    canned: "CannedServer",
    sts: Sts,
    credentials: Credentials,
    now: datetime,
    changes: dict[str, str],
    why: str,
) -> None:
    canned.then(_answer(now, **changes))
    error = await _refused(sts, credentials)
    assert isinstance(error, UpstreamUnavailable)
    assert error.message == f"STS answered without usable credentials ({why})"


@pytest.mark.parametrize("body", [b"", b"canary", b"<html>canary</html>", b"{}"])
async def test_an_answer_that_is_not_aws_s_is_no_answer(
    canned: "CannedServer", sts: Sts, credentials: Credentials, body: bytes
) -> None:
    canned.then(body)
    assert isinstance(await _refused(sts, credentials), UpstreamUnavailable)


async def test_a_refusal_is_told_in_aws_s_words_with_a_hint(
    canned: "CannedServer", sts: Sts, credentials: Credentials
) -> None:
    canned.then(_error("AccessDenied", "User: x is not authorized"), status=403)
    error = await _refused(sts, credentials)
    assert isinstance(error, UpstreamRefused)
    assert error.message == "STS refused the session: 403 AccessDenied: User: x is not authorized"
    assert credentials.role_arn in error.hint
    assert len(canned.bodies) == 1


async def test_a_failure_of_aws_is_not_tried_again_here(
    canned: "CannedServer", sts: Sts, credentials: Credentials
) -> None:
    canned.then(_error("Throttling", "Rate exceeded"), status=400, **{"Retry-After": "7"})
    error = await _refused(sts, credentials)
    assert isinstance(error, UpstreamUnavailable)
    assert (error.code, error.retry_after_seconds) == ("Throttling", 7)
    assert len(canned.bodies) == 1


@pytest.mark.usefixtures("canned")
async def test_silence_ends_with_a_timeout(sts: Sts, credentials: Credentials) -> None:
    error = await _refused(sts, credentials)
    assert isinstance(error, UpstreamUnavailable)
    assert error.message.endswith(": it did not answer in time")


async def test_an_address_where_nobody_listens_is_named_with_the_reason(
    clock: "ManualClock", credentials: Credentials
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        sts = Sts(region="eu-central-1", endpoint_url=url, clock=clock, boto_config=IMPATIENT)
        error = await _refused(sts, credentials)
    assert error.message == f"no answer from {url}: connection refused"
    assert error.hint == "check the network, the proxy and the endpoint"


async def test_a_proxy_s_password_is_in_no_error(
    canned: "CannedServer",
    clock: "ManualClock",
    credentials: Credentials,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = canned.url.replace("http://", "http://user:canary@")
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    url = "https://sts.eu-central-1.example.invalid"
    sts = Sts(region="eu-central-1", endpoint_url=url, clock=clock, boto_config=IMPATIENT)
    error = await _refused(sts, credentials)
    assert error.message.startswith(f"no answer from {url}: ")
    [connect] = canned.headers
    assert connect["Proxy-Authorization"].startswith("Basic ")


@pytest.mark.parametrize("by_token", [False, True], ids=["signed", "by token"])
@pytest.mark.parametrize("minutes", [-61, -16, -14, 14, 16, 61], ids="{} min ahead".format)
async def test_the_end_of_a_session_is_told_by_this_machine_s_clock(
    canned: "CannedServer",
    sts: Sts,
    credentials: Credentials,
    now: datetime,
    minutes: int,
    by_token: bool,
) -> None:
    at_aws = now + timedelta(minutes=minutes)
    body = _answer(at_aws, "AssumeRoleWithWebIdentity" if by_token else "AssumeRole")
    canned.then(body, Date=format_datetime(at_aws, usegmt=True))
    if by_token:
        found = await sts.assume_role_with_web_identity(REQUEST, TOKEN)
    else:
        found = await sts.assume_role(REQUEST, credentials)
    assert (found.issued_at, found.expires_at) == (now, now + timedelta(seconds=900))


async def test_a_date_that_lies_makes_no_session_longer_than_was_asked(
    canned: "CannedServer", sts: Sts, credentials: Credentials, now: datetime
) -> None:
    earlier = now - timedelta(minutes=10)
    canned.then(_answer(now), Date=format_datetime(earlier, usegmt=True))
    found = await sts.assume_role(REQUEST, credentials)
    assert found.expires_at == now + timedelta(seconds=900)


@pytest.mark.parametrize("minutes", [-61, 16])
async def test_without_a_date_of_aws_s_the_clock_is_named_as_a_cause(
    canned: "CannedServer", sts: Sts, credentials: Credentials, now: datetime, minutes: int
) -> None:
    canned.then(_answer(now + timedelta(minutes=minutes)))
    error = await _refused(sts, credentials)
    assert error.hint.startswith("the clock there may differ from this machine's")
