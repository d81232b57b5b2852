"""When to renew: bounds that hold for every lifetime and every jitter."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.credentials import Credentials
from sidecar.providers.refresh_policy import renew_at, renewal_margin
from sidecar.redaction import Secret

ISSUED = datetime(2026, 3, 1, 12, tzinfo=UTC)

lifetimes = st.integers(1, 43_200).map(lambda seconds: timedelta(seconds=seconds))
jitters = st.floats(0, 1, exclude_max=True)


def _session(lifetime: timedelta) -> Credentials:
    return Credentials(
        access_key_id="ASIAEXAMPLE",
        secret_access_key=Secret("none"),
        session_token=Secret("none"),
        issued_at=ISSUED,
        expires_at=ISSUED + lifetime,
        role_arn="arn:aws:iam::123456789012:role/billing",
        account_id="123456789012",
    )


@pytest.mark.parametrize(
    ("minutes", "renewed_after"),
    [
        pytest.param(15, 4.5, id="of the shortest session 70 % are kept"),
        pytest.param(24, 7.2, id="70 % are less than 20 minutes still"),
        pytest.param(30, 10, id="twenty minutes are kept"),
        pytest.param(40, 20, id="both rules meet"),
        pytest.param(60, 30, id="half of an hour"),
        pytest.param(720, 360, id="half of the longest session"),
    ],
)
def test_a_session_is_renewed_with_its_margin_left(minutes: float, renewed_after: float) -> None:
    due = renew_at(_session(timedelta(minutes=minutes)), jitter=0)
    assert due == ISSUED + timedelta(minutes=renewed_after)


@given(lifetimes, jitters)
def test_renewal_is_never_later_than_the_margin_allows(lifetime: timedelta, jitter: float) -> None:
    session = _session(lifetime)
    assert renew_at(session, jitter=jitter) <= session.expires_at - renewal_margin(lifetime)


@given(lifetimes, jitters)
def test_renewal_is_never_before_a_fifth_of_the_life(lifetime: timedelta, jitter: float) -> None:
    tolerance = timedelta(microseconds=2)
    assert renew_at(_session(lifetime), jitter=jitter) >= ISSUED + lifetime / 5 - tolerance


@given(lifetimes, jitters)
def test_jitter_only_brings_renewal_forward_and_by_a_tenth_at_most(
    lifetime: timedelta, jitter: float
) -> None:
    unmoved, moved = (renew_at(_session(lifetime), jitter=each) for each in (0, jitter))
    assert timedelta(0) <= unmoved - moved <= lifetime / 10


@given(lifetimes)
def test_a_session_over_29_minutes_always_has_20_left(lifetime: timedelta) -> None:
    kept = renewal_margin(lifetime)
    assert kept >= timedelta(minutes=20) or lifetime < timedelta(minutes=29)


def test_the_shortest_sessions_are_spread_too() -> None:
    session = _session(timedelta(minutes=15))
    spread = renew_at(session, jitter=0) - renew_at(session, jitter=0.999)
    assert spread > timedelta(seconds=80)
