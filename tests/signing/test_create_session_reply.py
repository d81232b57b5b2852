"""The reply to CreateSession: what counts as credentials, and what each refusal tells people."""

import json
import traceback
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sidecar.arn import Arn
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.signing.create_session import Reply, SessionParameters, parse_reply

ROLE = "arn:aws:iam::123456789012:role/workloads/billing"
OTHERS = "docs/aws-setup.md lists what CreateSession wants"
NOT_FOUND = "check the ARN, its region and its account; it may have been deleted"
NOT_LISTED = "add the role to the profile: aws rolesanywhere update-profile --role-arns"
SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
ASKED = SessionParameters(
    trust_anchor_arn=Arn.parse(f"{SCOPE}:trust-anchor/a"),
    profile_arn=Arn.parse(f"{SCOPE}:profile/p"),
    role_arn=Arn.parse(ROLE),
    duration_seconds=3600,
)
SECRET, TOKEN = "canary-secret-key", "canary-session-token"
HELD = {
    "accessKeyId": "ASIAEXAMPLEEXAMPLE00",
    "secretAccessKey": SECRET,
    "sessionToken": TOKEN,
    "expiration": "2026-03-01T13:00:00Z",
}


def _reply(held: object = HELD, role: object = ROLE) -> bytes:
    return json.dumps({"credentialSet": [{"credentials": held, "roleArn": role}]}).encode()


def _error(status: int, body: bytes, now: datetime, **headers: str) -> UpstreamError:
    folded = {k.replace("_", "-"): v for k, v in headers.items()}
    with pytest.raises(UpstreamError) as caught:
        parse_reply(Reply(status, folded, body), ASKED, now=now)
    return caught.value


@pytest.mark.parametrize("status", [200, 201])
def test_a_good_reply_is_read_whole(status: int, now: datetime) -> None:
    credentials = parse_reply(Reply(status, {}, _reply()), ASKED, now=now)
    assert credentials.access_key_id == "ASIAEXAMPLEEXAMPLE00"
    assert credentials.secret_access_key.reveal() == SECRET
    assert credentials.session_token.reveal() == TOKEN
    assert (credentials.issued_at, credentials.lifetime) == (now, timedelta(hours=1))
    assert (credentials.role_arn, credentials.account_id) == (ROLE, "123456789012")


def test_a_clock_a_little_behind_awss_does_no_harm(now: datetime) -> None:
    body = _reply({**HELD, "expiration": "2026-03-01T13:15:00Z"})
    assert parse_reply(Reply(201, {}, body), ASKED, now=now).lifetime == timedelta(minutes=75)


def test_without_a_duration_a_session_may_last_as_long_as_any(now: datetime) -> None:
    asked = replace(ASKED, duration_seconds=None)
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
    body: bytes, now: datetime
) -> None:
    error = _error(201, body, now)
    assert isinstance(error, UpstreamUnavailable)
    assert error.message.startswith("CreateSession answered 201 without usable credentials (")
    assert error.hint == "something between here and AWS may have rewritten the answer"
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert "canary" not in shown


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        pytest.param("", b'{"code": "InBody"}', "InBody", id="code in the body"),
        pytest.param("", b'{"__type": "InBody"}', "InBody", id="type in the body"),
        pytest.param("InHeader", b'{"code": "InBody"}', "InHeader", id="the header wins"),
        pytest.param("ns#Name:http://example.test/", b"", "Name", id="a shape id is cut"),
        pytest.param("Name:http://example.test/a#b", b"", "Name", id="a URL is cut"),
        pytest.param("Na\x1bme", b"", "Na�me", id="control characters are replaced"),
        pytest.param("", b"", "", id="no code"),
        pytest.param("", b'["code"]', "", id="a body that is no object"),
        pytest.param("", b"[" * 100_000, "", id="a body nested beyond measure"),
    ],
)
def test_the_error_code_is_found_and_cleaned(
    header: str, body: bytes, code: str, now: datetime
) -> None:
    assert _error(403, body, now, X_Amzn_ErrorType=header).code == code


@pytest.mark.parametrize(
    ("code", "body", "message"),
    [
        ("Denied", b'{"message": "no way"}', "CreateSession was refused: 403 Denied: no way"),
        ("Denied", b'{"Message": "no way"}', "CreateSession was refused: 403 Denied: no way"),
        ("Denied", b"", "CreateSession was refused: 403 Denied"),
        ("", b'{"message": "no way:"}', "CreateSession was refused: 403: no way:"),
        ("", b"<html>", "CreateSession was refused: 403"),
        (
            "D",
            b'{"message": "a\\nb\\u001b[2J\\u202e"}',
            "CreateSession was refused: 403 D: a�b�[2J�",
        ),
        (
            "D",
            b'{"message": "' + b"x" * 999 + b'"}',
            "CreateSession was refused: 403 D: " + "x" * 500,
        ),
    ],
    ids=["message", "Message", "no body", "no code", "neither", "control characters", "too long"],
)
def test_awss_words_are_passed_on_fit_for_a_terminal(
    code: str, body: bytes, message: str, now: datetime
) -> None:
    assert str(_error(403, body, now, x_amzn_errortype=code)) == message


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDeniedException", UpstreamRefused),
        (400, "ValidationException", UpstreamRefused),
        (404, "ResourceNotFoundException", UpstreamRefused),
        (302, "", UpstreamRefused),
        (400, "ThrottlingException", UpstreamUnavailable),
        (429, "", UpstreamUnavailable),
        (500, "InternalFailure", UpstreamUnavailable),
        (503, "", UpstreamUnavailable),
    ],
)
def test_only_what_may_pass_by_itself_is_retryable(
    status: int, code: str, kind: type[UpstreamError], now: datetime
) -> None:
    error = _error(status, b"", now, x_amzn_errortype=code)
    assert type(error) is kind
    assert error.retryable is (kind is UpstreamUnavailable)
    assert (error.status, error.code) == (status, code)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        pytest.param(
            "Untrusted signing certificate",
            "the trust anchor's CA did not issue this certificate, or an intermediate is missing",
            id="untrusted",
        ),
        pytest.param(
            "Untrusted certificate. Insufficient certificate",
            "the certificate needs key usage digitalSignature, CA:false, SHA-256 and a subject",
            id="insufficient",
        ),
        pytest.param(
            f"Unable to assume role for {ROLE}. The requested DurationSeconds exceeds the"
            " MaxSessionDuration set for this role.",
            "ask for less, or raise the role's maximum session duration",
            id="too long a session",
        ),
        pytest.param(
            "Not authorized to set roleSessionName.",
            "the profile must have acceptRoleSessionName enabled",
            id="session name",
        ),
        pytest.param(
            f"Unable to assume role for {ROLE}",
            "the role's trust policy must allow rolesanywhere.amazonaws.com sts:AssumeRole, "
            "sts:TagSession and sts:SetSourceIdentity, with aws:SourceArn = the trust anchor",
            id="trust policy",
        ),
        pytest.param("something new", OTHERS, id="unknown"),
        pytest.param("Profile not found: arn", NOT_FOUND, id="not found"),
        pytest.param(f"Role {ROLE} is not listed in the profile", NOT_LISTED, id="not listed"),
    ],
)
def test_known_refusals_say_what_to_do(words: str, hint: str, now: datetime) -> None:
    assert _error(403, json.dumps({"message": words}).encode(), now).hint == hint
