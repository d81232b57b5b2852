"""A set of credentials: its life, and what it shows of itself."""

from datetime import UTC, datetime, timedelta

import pytest

from sidecar.arn import role_arn
from sidecar.credentials import Credentials
from sidecar.redaction import Secret

ISSUED = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXPIRES = ISSUED + timedelta(hours=1)


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(
        access_key_id="ASIAEXAMPLEEXAMPLE00",
        secret_access_key=Secret("canary-secret"),
        session_token=Secret("canary-token"),
        issued_at=ISSUED,
        expires_at=EXPIRES,
        role_arn="arn:aws:iam::123456789012:role/billing",
        account_id="123456789012",
    )


PARTS = {
    "AccessKeyId": "ASIAEXAMPLEEXAMPLE00",
    "SecretAccessKey": "canary-secret",
    "SessionToken": "canary-token",
}


def _received(expires_at: datetime = EXPIRES, changes: dict[str, str] | None = None) -> Credentials:
    return Credentials.received(
        PARTS | (changes or {}),
        role=role_arn("arn:aws:iam::123456789012:role/billing"),
        expires_at=expires_at,
        longest=timedelta(hours=1),
        now=ISSUED,
    )


def test_what_aws_answers_is_dated_by_the_moment_it_came(credentials: Credentials) -> None:
    assert _received() == credentials


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("value", ["", "canary ö", "two words", "a\nb", "x" * 8193])
def test_a_part_that_cannot_be_served_is_refused_without_being_quoted(
    part: str, value: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{part} is empty, too long or not plain text$"):
        _received(changes={part: value})


@pytest.mark.parametrize(
    ("expires_at", "problem"),
    [
        pytest.param(ISSUED, "already expired", id="on the dot"),
        pytest.param(
            EXPIRES + timedelta(minutes=15, seconds=1),
            "it claims to last longer than was asked",
            id="longer than a slow clock explains",
        ),
    ],
)
def test_a_life_that_is_over_or_too_long_is_refused(expires_at: datetime, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        _received(expires_at)


def test_a_life_that_a_slow_clock_explains_is_accepted() -> None:
    assert _received(EXPIRES + timedelta(minutes=15)).lifetime == timedelta(hours=1, minutes=15)


@pytest.mark.parametrize(
    ("moment", "expired"),
    [
        pytest.param(EXPIRES - timedelta(microseconds=1), False, id="just before"),
        pytest.param(EXPIRES, True, id="on the dot"),
        pytest.param(EXPIRES + timedelta(microseconds=1), True, id="just after"),
    ],
)
def test_a_set_expires_on_the_dot(
    credentials: Credentials, moment: datetime, expired: bool
) -> None:
    assert credentials.expired(moment) is expired


def test_lifetime_and_what_remains_of_it(credentials: Credentials) -> None:
    assert credentials.lifetime == timedelta(hours=1)
    assert credentials.remaining(ISSUED + timedelta(minutes=50)) == timedelta(minutes=10)
    assert credentials.remaining(EXPIRES + timedelta(minutes=1)) == -timedelta(minutes=1)


def test_a_repr_names_role_and_expiry_and_no_secret(credentials: Credentials) -> None:
    assert repr(credentials) == (
        "Credentials(…LE00, arn:aws:iam::123456789012:role/billing, "
        "expires 2026-03-01T13:00:00+00:00)"
    )
