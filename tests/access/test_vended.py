"""Which sessions are known: the newest, those before it for as long as they matter, no more."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sidecar.access.policy import App
from sidecar.access.vended import MOST_PER_ROLE, VendedSessions
from sidecar.credentials import Credentials
from sidecar.redaction import Secret


@pytest.fixture
def session(now: datetime) -> Credentials:
    return Credentials(
        access_key_id="ASIA1",
        secret_access_key=Secret("key"),
        session_token=Secret("token"),
        issued_at=now,
        expires_at=now + timedelta(hours=1),
        role_arn="arn:aws:iam::123456789012:role/web",
        account_id="123456789012",
    )


def test_a_session_is_found_by_its_key_id_with_its_role(
    session: Credentials, now: datetime
) -> None:
    vended = VendedSessions()
    vended.keep("default", session, now)
    found = vended.find("ASIA1")
    assert found is not None
    assert (found.role, found.credentials) == ("default", session)
    assert vended.find("ASIA2") is None


@pytest.mark.parametrize(("after_its_end", "known"), [(59, True), (60, False)])
def test_an_older_session_is_known_until_an_hour_after_its_end(
    after_its_end: int, known: bool, session: Credentials, now: datetime
) -> None:
    vended = VendedSessions()
    vended.keep("default", session, now)
    later = session.expires_at + timedelta(minutes=after_its_end)
    newer = replace(session, access_key_id="ASIA2", expires_at=later + timedelta(hours=1))
    vended.keep("default", newer, later)
    assert (vended.find("ASIA1") is not None) == known
    assert vended.find("ASIA2") is not None


def test_of_a_role_with_too_many_sessions_the_first_goes_and_no_other_roles(
    session: Credentials, now: datetime
) -> None:
    vended = VendedSessions()
    vended.keep("other", replace(session, access_key_id="ASIAOTHER"), now)
    for number in range(MOST_PER_ROLE + 1):
        vended.keep("default", replace(session, access_key_id=f"ASIA{number}"), now)
    assert vended.find("ASIA0") is None
    assert vended.find("ASIA1") is not None
    assert vended.find(f"ASIA{MOST_PER_ROLE}") is not None
    assert vended.find("ASIAOTHER") is not None


@pytest.fixture
def key(session: Credentials) -> Credentials:
    """Give a user's key, which has no token."""
    return replace(session, session_token=Secret(""))


def test_of_a_key_that_stays_the_same_it_is_known_who_may_have_it_no_more(
    key: Credentials, now: datetime
) -> None:
    vended, gone = VendedSessions(), App("gone", ("legacy",), ())
    vended.keep("legacy", key, now)
    vended.left("legacy", [gone])
    vended.keep("legacy", replace(key, expires_at=now + timedelta(hours=2)), now)
    found = vended.find("ASIA1")
    assert found is not None
    assert found.former == (gone,)


def test_a_key_that_two_roles_hand_out_is_of_neither(key: Credentials, now: datetime) -> None:
    vended = VendedSessions()
    vended.keep("legacy", key, now)
    vended.keep("other", key, now)
    assert vended.find("ASIA1") is None
    vended.keep("legacy", key, now)
    assert vended.find("ASIA1") is None
