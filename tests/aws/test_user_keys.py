"""Asking STS about a user's key: what is sent, and what is made of its answers."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.arn import Arn
from sidecar.aws.user_keys import UserKeys
from sidecar.clock import iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.aws.conftest import CannedServer
    from tests.conftest import ManualClock

USER = "arn:aws:iam::123456789012:user/batch"
HOUR = timedelta(hours=1)
XML = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'


@pytest.fixture
def key(now: datetime) -> Credentials:
    secret = Secret("canary-secret-key")
    return Credentials.of_user(
        "AKIAKEY", secret, user=Arn.parse(USER), lifetime=timedelta(hours=1), now=now
    )


@pytest.fixture
def keys(canned: "CannedServer", clock: "ManualClock") -> UserKeys:
    return UserKeys(lambda _service, _region: canned.url, clock)


def _reply(operation: str, content: str) -> bytes:
    inside = f"<{operation}Result>{content}</{operation}Result>"
    return f"<{operation}Response {XML}>{inside}</{operation}Response>".encode()


def _session(now: datetime, token: str = "canary-session-token") -> bytes:
    return _reply(
        "GetSessionToken",
        "<Credentials><AccessKeyId>ASIASESSION</AccessKeyId><SecretAccessKey>canary-new-key"
        f"</SecretAccessKey><SessionToken>{token}</SessionToken>"
        f"<Expiration>{iso_seconds(now + HOUR)}</Expiration></Credentials>",
    )


async def test_a_key_s_owner_is_asked_for_with_the_key_and_no_token(
    keys: UserKeys, canned: "CannedServer", key: Credentials
) -> None:
    canned.then(_reply("GetCallerIdentity", f"<Arn>{USER}</Arn>"))
    assert str(await keys.owner(key, region="eu-west-1")) == USER
    [headers] = canned.headers
    assert "Credential=AKIAKEY/" in headers["Authorization"]
    assert "X-Amz-Security-Token" not in headers


async def test_a_session_is_given_in_the_users_name(
    keys: UserKeys, canned: "CannedServer", key: Credentials, now: datetime
) -> None:
    canned.then(_session(now))
    found = await keys.session(key, HOUR, region="eu-west-1")
    assert (found.access_key_id, found.role_arn, found.expires_at) == (
        "ASIASESSION",
        USER,
        now + HOUR,
    )
    assert found.session_token == Secret("canary-session-token")


@pytest.mark.parametrize("lifetime", [HOUR / 4, HOUR / 2])
async def test_a_session_that_cannot_be_used_is_none(
    keys: UserKeys,
    canned: "CannedServer",
    key: Credentials,
    now: datetime,
    lifetime: timedelta,
) -> None:
    canned.then(_session(now))
    with pytest.raises(UpstreamUnavailable) as failed:
        await keys.session(key, lifetime, region="eu-west-1")
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("InvalidClientTokenId", UpstreamUnavailable), ("AccessDenied", UpstreamRefused)],
)
async def test_a_refusal_is_asked_for_once_and_keeps_its_code(
    keys: UserKeys,
    canned: "CannedServer",
    key: Credentials,
    code: str,
    kind: type[UpstreamError],
) -> None:
    error = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    canned.then(f"<ErrorResponse {XML}>{error}</ErrorResponse>".encode(), 403)
    with pytest.raises(kind) as failed:
        await keys.owner(key, region="eu-west-1")
    assert failed.value.code == code
    assert len(canned.headers) == 1
