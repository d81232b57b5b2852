"""Bursts of denials as notices: what they say, and what they never repeat."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.denials import MOST, QUIET_SECONDS
from sidecar.audit.event import AuditEvent, NoAudit, Result
from sidecar.background import Background
from sidecar.denial_notices import DenialNotices
from sidecar.notice import Kind, Notice

if TYPE_CHECKING:
    from tests.conftest import ManualClock

QUARTER_OF_AN_HOUR = QUIET_SECONDS + 30
REASON = "the token belongs to no app"


@pytest.fixture
def told() -> list[Notice]:
    return []


@pytest.fixture
async def denials(clock: "ManualClock", told: list[Notice]) -> AsyncIterator[DenialNotices]:
    """Give what listens to an audit, and tells."""
    background = Background()
    made = DenialNotices(NoAudit(), told.append, clock)
    background.start(made.run())
    await clock.advance(0)
    yield made
    await background.close()


def _denied(denials: DenialNotices, now: datetime, times: int = 1, **more: str) -> None:
    usual = {"door": "secrets", "peer": "10.0.0.9:1", "reason": REASON, "resource": "canary"}
    for _ in range(times):
        denials.record(
            AuditEvent(time=now, action="Connect", result=Result.DENIED, **{**usual, **more})
        )


async def test_a_burst_says_who_where_from_where_and_why(
    denials: DenialNotices, told: list[Notice], now: datetime
) -> None:
    _denied(denials, now, MOST)
    [burst] = told
    assert burst.kind is Kind.DENIAL_BURST
    assert burst.sentence == (
        "somebody who is no app was denied 20 times within a minute at the secrets door: "
        "the token belongs to no app"
    )
    assert {**burst.facts, "hint": ""} == {
        "door": "secrets",
        "peer": "10.0.0.9",
        "reason": REASON,
        "count": "20",
        "hint": "",
    }


async def test_what_follows_is_counted_and_told_in_the_same_thread(
    denials: DenialNotices, told: list[Notice], clock: "ManualClock", now: datetime
) -> None:
    _denied(denials, now, MOST + 7, app="web")
    await clock.advance(QUARTER_OF_AN_HOUR)
    assert [each.sentence for each in told[1:]] == [
        "app web was denied 7 more times within 15 minutes at the secrets door: " + REASON
    ]
    assert told[1].thread == told[0].thread
    await clock.advance(2 * QUARTER_OF_AN_HOUR)
    assert len(told) == 2


async def test_a_prober_that_never_ends_does_not_hide_who_is_denied_otherwise(
    denials: DenialNotices, told: list[Notice], now: datetime
) -> None:
    _denied(denials, now, 10_000)
    before = len(told)
    _denied(denials, now, MOST, reason="the token's signature does not match")
    assert [each.facts["reason"] for each in told[before:]] == [
        "the token's signature does not match"
    ]


async def test_a_caller_s_own_words_are_in_no_notice(
    denials: DenialNotices, told: list[Notice], now: datetime
) -> None:
    _denied(denials, now, MOST, reason="unknown parameter: <!channel> canary")
    assert len(told) == 1
    assert "canary" not in str(told)
    assert "<!channel>" not in str(told)


async def test_grants_and_failures_are_no_denials(
    denials: DenialNotices, told: list[Notice], now: datetime
) -> None:
    for result in (Result.GRANTED, Result.FAILED):
        for _ in range(MOST):
            denials.record(AuditEvent(time=now, door="secrets", action="Connect", result=result))
    assert told == []
