"""The reply to CreateSession: what counts as credentials, and how long they live."""

import json
import traceback
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sidecar.errors import UpstreamRefused, UpstreamUnavailable
from sidecar.signing.create_session import Asked
from sidecar.signing.create_session_reply import parse_reply
from sidecar.signing.http_reply import Reply

ROLE = "arn:aws:iam::123456789012:role/workloads/billing"
SECRET, TOKEN = "canary-secret-key", "canary-session-token"
HELD = {
    "accessKeyId": "ASIAEXAMPLEEXAMPLE00",
    "secretAccessKey": SECRET,
    "sessionToken": TOKEN,
    "expiration": "2026-03-01T13:00:00Z",
}


def _reply(held: object = HELD, role: object = ROLE) -> bytes:
    return json.dumps({"credentialSet": [{"credentials": held, "roleArn": role}]}).encode()


@pytest.mark.parametrize("status", [200, 201])
def test_a_good_reply_is_read_whole(status: int, asked: Asked, now: datetime) -> None:
    credentials = parse_reply(Reply(status, {}, _reply()), asked, now=now)
    assert credentials.access_key_id == "ASIAEXAMPLEEXAMPLE00"
    assert credentials.secret_access_key.reveal() == SECRET
    assert credentials.session_token.reveal() == TOKEN
    assert (credentials.issued_at, credentials.lifetime) == (now, timedelta(hours=1))
    assert (credentials.role_arn, credentials.account_id) == (ROLE, "123456789012")


def test_a_clock_a_little_behind_awss_does_no_harm(asked: Asked, now: datetime) -> None:
    body = _reply({**HELD, "expiration": "2026-03-01T13:15:00Z"})
    assert parse_reply(Reply(201, {}, body), asked, now=now).lifetime == timedelta(minutes=75)


def test_without_a_duration_a_session_may_last_as_long_as_any(asked: Asked, now: datetime) -> None:
    asked = replace(asked, parameters=replace(asked.parameters, duration_seconds=None))
    body = _reply({**HELD, "expiration": "2026-03-02T00:00:00Z"})
    assert parse_reply(Reply(201, {}, body), asked, now=now).lifetime == timedelta(hours=12)


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in HELD.items() if name != key}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="no body"),
        pytest.param(b"<html>" + SECRET.encode(), id="not JSON"),
        pytest.param(b'{"\xff": 1}', id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="nested beyond measure"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="a string"),
        pytest.param(b"{}", id="no credential set"),
        pytest.param(b'{"credentialSet": []}', id="an empty set"),
        pytest.param(b'{"credentialSet": null}', id="a null set"),
        pytest.param(b'{"credentialSet": {"credentials": {}}}', id="a set that is no list"),
        pytest.param(b'{"credentialSet": ["text"]}', id="an entry that is no object"),
        pytest.param(_reply(held=None), id="null credentials"),
        *(pytest.param(_reply(_without(key)), id=f"no {key}") for key in HELD),
        *(pytest.param(_reply({**HELD, key: ""}), id=f"empty {key}") for key in HELD),
        *(pytest.param(_reply({**HELD, key: 7}), id=f"{key} a number") for key in HELD),
        *(
            pytest.param(_reply({**HELD, "expiration": text}), id=f"expiration {what}")
            for what, text in (
                ("in words", "canary tomorrow"),
                ("without a zone", "2026-03-01T13:00:00"),
                ("now", "2026-03-01T12:00:00Z"),
                ("in the past", "2026-03-01T11:59:59Z"),
                ("before all time", "0001-01-01T00:00:00+14:00"),
                ("long after what was asked", "2026-03-01T13:15:01Z"),
                ("in the year 9999", "9999-12-31T23:59:59Z"),
            )
        ),
        pytest.param(_reply({**HELD, "accessKeyId": "canary" * 22}), id="a long key id"),
        pytest.param(_reply({**HELD, "accessKeyId": "canary\n\0"}), id="a key id in two lines"),
        pytest.param(_reply({**HELD, "secretAccessKey": "canary ä"}), id="a secret with blanks"),
        pytest.param(_reply({**HELD, "sessionToken": "canary" * 1366}), id="a long token"),
        pytest.param(_reply(role=None), id="no role"),
        pytest.param(_reply(role=ROLE + "2"), id="another role"),
        pytest.param(_reply(role="billing"), id="a role that is no ARN"),
        pytest.param(_reply(role="arn:aws:iam:::role/billing"), id="a role without an account"),
    ],
)
def test_a_half_good_reply_is_no_credentials_and_nothing_of_it_is_shown(
    body: bytes, asked: Asked, now: datetime
) -> None:
    with pytest.raises(UpstreamUnavailable) as caught:
        parse_reply(Reply(201, {}, body), asked, now=now)
    error = caught.value
    assert error.message.startswith("CreateSession answered 201 without usable credentials (")
    assert error.hint == (
        "the clock there may differ from this machine's, or something between here and AWS may "
        "have rewritten the answer"
    )
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert "canary" not in shown


def test_whatever_is_no_success_is_a_refusal(asked: Asked, now: datetime) -> None:
    with pytest.raises(UpstreamRefused):
        parse_reply(Reply(302, {}, _reply()), asked, now=now)


@pytest.mark.parametrize(
    ("ahead", "expiration", "left"),
    [
        pytest.param(0, "2026-03-01T13:00:00Z", 60, id="clocks agree"),
        pytest.param(10, "2026-03-01T13:10:00Z", 60, id="ours is behind: no longer life"),
        pytest.param(-10, "2026-03-01T12:50:00Z", 60, id="ours is ahead: no shorter life"),
        pytest.param(-180, "2026-03-01T10:00:00Z", 60, id="ours is hours ahead"),
        pytest.param(-10, "2026-03-01T12:20:00Z", 30, id="less than was asked for"),
        pytest.param(-20, "2026-03-01T12:50:00Z", 60, id="a date that lies makes no life longer"),
    ],
)
def test_a_life_is_measured_by_this_machines_clock(
    ahead: int, expiration: str, left: int, asked: Asked, now: datetime
) -> None:
    body = _reply({**HELD, "expiration": expiration})
    apart = timedelta(minutes=ahead)
    credentials = parse_reply(Reply(201, {}, body), asked, now=now, ahead=apart)
    assert credentials.issued_at == now
    assert credentials.remaining(now) == timedelta(minutes=left)


def test_what_has_expired_by_awss_clock_is_no_credentials(asked: Asked, now: datetime) -> None:
    body = _reply({**HELD, "expiration": "2026-03-01T12:10:00Z"})
    with pytest.raises(UpstreamUnavailable, match="already expired"):
        parse_reply(Reply(201, {}, body), asked, now=now, ahead=timedelta(minutes=10))


def test_an_expiration_at_the_end_of_all_time_is_no_credentials(
    asked: Asked, now: datetime
) -> None:
    body = _reply({**HELD, "expiration": "9999-12-31T23:59:59Z"})
    with pytest.raises(UpstreamUnavailable, match="OverflowError"):
        parse_reply(Reply(201, {}, body), asked, now=now, ahead=timedelta(minutes=-10))
