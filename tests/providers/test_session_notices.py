"""A role that cannot be renewed is told of when that begins and when it ends, not in between."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.notice import Kind, Notice, Severity
from sidecar.providers.refreshing import RefreshingRole
from sidecar.session_notices import SessionNotices

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.providers.conftest import FakeSource

MINUTE, HOUR = 60.0, 3600.0
DOWN = UpstreamUnavailable("no answer from AWS", hint="check the network")
NO = UpstreamRefused("access denied", hint="look at the profile")

Begin = Callable[[SidecarError | None], None]


@pytest.fixture
def told() -> list[Notice]:
    return []


@pytest.fixture
def begin(
    role: RefreshingRole,
    source: "FakeSource",
    start: Callable[[], asyncio.Task[None]],
    clock: "ManualClock",
    told: list[Notice],
) -> Begin:
    """Give a function that starts the renewing, of which is told, perhaps with a failure."""

    def run(failure: SidecarError | None) -> None:
        source.failure = failure
        SessionNotices(role.name, told.append, clock).watch(role)
        start()

    return run


async def test_a_session_that_is_renewed_is_no_news(
    begin: Begin, clock: "ManualClock", told: list[Notice]
) -> None:
    begin(None)
    await clock.advance(5 * HOUR)
    assert told == []


async def test_a_refusal_is_told_at_once_and_once_and_so_is_its_end(
    begin: Begin, source: "FakeSource", clock: "ManualClock", told: list[Notice]
) -> None:
    begin(NO)
    await clock.advance(0)
    [failing] = told
    assert (failing.kind, failing.severity) == (Kind.SESSION_FAILING, Severity.ERROR)
    assert failing.sentence == (
        "no new session of role billing, and there is none to serve: access denied"
    )
    assert failing.facts == {"role": "billing", "hint": "look at the profile"}
    await clock.advance(3 * HOUR)
    source.failure = None
    await clock.advance(HOUR)
    assert [each.kind for each in told[1:]] == [Kind.SESSION_RECOVERED]
    assert told[1].thread == failing.thread


async def test_what_passes_by_itself_is_no_news(
    begin: Begin, source: "FakeSource", clock: "ManualClock", told: list[Notice]
) -> None:
    begin(DOWN)
    await clock.advance(0)
    source.failure = None
    await clock.advance(MINUTE)
    assert len(source.asked_at) > 1
    assert told == []


async def test_the_third_failure_in_a_row_is_told_while_the_last_session_serves(
    begin: Begin, source: "FakeSource", clock: "ManualClock", told: list[Notice]
) -> None:
    begin(None)
    await clock.advance(0)
    source.failure = DOWN
    while len(source.asked_at) < 4:
        await clock.advance(1)
    [failing] = told
    assert failing.severity is Severity.WARNING
    assert "and the last one still serves" in failing.sentence


async def test_a_failure_is_told_at_once_when_the_session_is_about_to_end(
    begin: Begin, source: "FakeSource", clock: "ManualClock", told: list[Notice]
) -> None:
    source.lifetime = timedelta(minutes=15)
    begin(None)
    await clock.advance(0)
    source.failure = DOWN
    while len(source.asked_at) < 2:
        await clock.advance(1)
    assert [each.kind for each in told] == [Kind.SESSION_FAILING]


async def test_the_end_of_the_last_session_is_told_once_although_the_failure_was(
    begin: Begin, source: "FakeSource", clock: "ManualClock", told: list[Notice]
) -> None:
    begin(None)
    await clock.advance(0)
    source.failure = DOWN
    await clock.advance(12 * HOUR)
    assert [each.severity for each in told] == [Severity.WARNING, Severity.ERROR]
    assert "and there is none to serve" in told[-1].sentence
