"""What a refusal by STS means: whether to try again, and who must do what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sidecar.arn import role_arn
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.aws.sts_refusals import refusal
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.redaction import Secret
from sidecar.signing.throttling import THROTTLING

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROLE = role_arn("arn:aws:iam::999999999999:role/api")
PARENT = Credentials(
    access_key_id="ASIAPARENT",
    secret_access_key=Secret("canary-secret-key"),
    session_token=Secret("canary-session"),
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    role_arn="arn:aws:iam::123456789012:role/web",
    account_id="123456789012",
)


def _refusal(
    code: str, message: str = "", status: int = 400, *, by_token: bool = False, wait: str = ""
) -> UpstreamError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"retry-after": wait}},
    }
    return refusal(response, ROLE, None if by_token else PARENT, now=NOW)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("ValidationError", 400),
        ("RegionDisabledException", 403),
        ("PackedPolicyTooLarge", 400),
        ("MalformedPolicyDocument", 400),
        ("InvalidIdentityToken", 400),
        ("IDPRejectedClaim", 403),
        ("SignatureDoesNotMatch", 403),
        ("", 404),
    ],
)
def test_what_somebody_must_change_first_is_a_refusal(code: str, status: int) -> None:
    error = _refusal(code, status=status)
    assert isinstance(error, UpstreamRefused)
    assert (error.code, error.status, error.retryable) == (code, status, False)
    assert error.hint


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *((code, 400) for code in sorted(THROTTLING)),
        ("anything", 429),
        ("anything", 500),
        ("503", 503),
        ("IDPCommunicationError", 400),
        *((code, 403) for code in sorted(CREDENTIALS_REFUSED)),
    ],
)
def test_what_may_pass_is_worth_another_attempt(code: str, status: int) -> None:
    error = _refusal(code, status=status)
    assert isinstance(error, UpstreamUnavailable)
    assert error.code == ("" if code.isdecimal() else code)


def test_how_long_aws_asks_to_wait_is_kept() -> None:
    error = _refusal("Throttling", wait="17")
    assert isinstance(error, UpstreamUnavailable)
    assert error.retry_after_seconds == 17


@pytest.mark.parametrize(
    ("code", "words", "hint"),
    [
        (
            "AccessDenied",
            "User: x is not authorized to perform: sts:AssumeRole on resource: y",
            f"the trust policy of {ROLE} must allow {PARENT.role_arn} sts:AssumeRole",
        ),
        ("AccessDenied", "not authorized to perform: sts:TagSession", "with session tags the role"),
        (
            "AccessDenied",
            "not authorized to perform: sts:SetSourceIdentity",
            "a session from Roles Anywhere carries a source identity",
        ),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            "ask for less, or raise the role's maximum",
        ),
        (
            "ValidationError",
            "… exceeds the 1 hour session limit for roles assumed by role chaining.",
            "AWS limits a chained role's session to one hour",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature expired: … is now earlier",
            "this machine's clock may",
        ),
        ("RequestExpired", "", "this machine's clock may be wrong: set it, by NTP"),
        ("SignatureDoesNotMatch", "", "check this machine's clock, and what stands"),
        ("ExpiredToken", "", "the credentials that assume the role have expired"),
        ("InvalidClientTokenId", "", "the region may not be enabled"),
        ("RegionDisabledException", "", "activate STS for this region"),
        ("PackedPolicyTooLarge", "", "session policy and session tags are too long together"),
        ("MalformedPolicyDocument", "", "the session policy is not a valid IAM policy"),
        ("Whatever", "", "docs/roles.md"),
    ],
)
def test_a_refusal_of_a_chained_role_says_what_to_do(code: str, words: str, hint: str) -> None:
    error = _refusal(code, words, 403)
    assert error.hint.startswith(hint)
    assert error.message == ": ".join(
        filter(None, ("STS refused the session", f"403 {code}", words))
    )


def test_a_signature_of_a_wrong_time_is_told_with_how_far_the_clock_is_off() -> None:
    response = {
        "Error": {"Code": "SignatureDoesNotMatch", "Message": "Signature expired: …"},
        "ResponseMetadata": {
            "HTTPStatusCode": 403,
            "HTTPHeaders": {"date": "Sun, 01 Mar 2026 12:16:00 GMT"},
        },
    }
    hint = refusal(response, ROLE, PARENT, now=NOW).hint
    assert hint == "this machine's clock is 16.0 minutes behind AWS's: set it, by NTP"


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("AccessDenied", f"the trust policy of {ROLE} must allow the token's OIDC provider"),
        ("ExpiredTokenException", "the token has expired: what writes the token file"),
        ("InvalidIdentityToken", "the token's issuer must be an OIDC provider"),
        ("IDPRejectedClaim", "the token's issuer refused it"),
        ("IDPCommunicationError", "AWS could not reach the token's issuer"),
    ],
)
def test_a_refusal_of_a_token_says_what_to_do(code: str, hint: str) -> None:
    assert _refusal(code, by_token=True).hint.startswith(hint)


def test_what_aws_says_cannot_move_a_terminal_s_cursor_or_fill_the_log() -> None:
    error = _refusal("Evil\x1b[2J", "line\nline" + "x" * 5000)
    assert error.message.isprintable()
    assert len(error.message) < 600


@pytest.mark.parametrize("response", [{}, {"Error": {}}])
def test_an_answer_without_a_code_is_still_told(response: dict[str, Any]) -> None:
    assert refusal(response, ROLE, PARENT, now=NOW).message == "STS refused the session: 0"
