"""A set of credentials: its life, and what it shows of itself."""

from datetime import UTC, datetime, timedelta

import pytest

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
