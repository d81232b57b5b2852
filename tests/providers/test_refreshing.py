"""A refreshing role on a clock moved by hand: one flight at a time, always ahead of need."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from sidecar.errors import NotReady, UpstreamUnavailable
from sidecar.providers.refreshing import RefreshingRole

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.providers.conftest import FakeSource

Start = Callable[[], asyncio.Task[None]]
Reason = Callable[[], NotReady]

MINUTE, HOUR = 60.0, 3600.0
DOWN = UpstreamUnavailable("no answer from AWS", hint="check the network")


async def test_before_the_first_session_the_reason_says_so(reason: Reason) -> None:
    why = reason()
    assert (str(why), why.hint) == (
        "no session for role billing yet",
        "ask again in a second",
    )


async def test_the_first_session_is_fetched_at_once(
    role: RefreshingRole, start: Start, clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    assert role.current().access_key_id == "ASIA1"


async def test_a_session_is_renewed_ahead_of_need_and_not_before(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(27 * MINUTE - 1)
    assert role.current().access_key_id == "ASIA1"
    await clock.advance(1)
    assert role.current().access_key_id == "ASIA2"
    assert role.current().remaining(clock.now()) == timedelta(hours=1)


async def test_there_is_one_flight_at_a_time(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.gate.clear()
    start()
    await clock.advance(HOUR)
    assert len(source.asked_at) == 1
    source.gate.set()
    await clock.advance(2 * HOUR)
    assert source.most_in_flight == 1


async def test_a_suspended_machine_renews_within_seconds_of_waking(
    role: RefreshingRole, reason: Reason, start: Start, clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    clock.jump(8 * HOUR)
    assert str(reason()) == "the last session of role billing has expired"
    await clock.advance(5)
    assert role.current().access_key_id == "ASIA2"


async def test_a_clock_set_back_makes_no_session_young(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock", reason: Reason
) -> None:
    start()
    await clock.advance(MINUTE)
    clock.set_wall(-2 * HOUR)
    await clock.advance(HOUR / 2)
    assert len(source.asked_at) == 2, "renewed when half of its life had passed all the same"


async def test_a_session_has_expired_whatever_a_clock_set_back_says(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock", reason: Reason
) -> None:
    start()
    await clock.advance(0)
    source.gate.clear()
    clock.set_wall(-2 * HOUR)
    await clock.advance(HOUR - 1)
    assert role.current().access_key_id == "ASIA1"
    await clock.advance(1)
    assert "has expired" in str(reason())


async def test_a_session_that_aws_refused_is_renewed_soon_but_not_at_once(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    role.doubt(role.current())
    await clock.advance(30)
    assert source.asked_after() == [0, 30]


async def test_the_more_sessions_in_a_row_are_doubted_the_longer_each_is_kept(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.lifetime = 12 * timedelta(hours=1)
    start()
    for _ in range(2 * 60):
        await clock.advance(MINUTE)
        role.doubt(role.current())
    pauses = [later - earlier for earlier, later in pairwise(source.asked_after())]
    assert [round(each / MINUTE) for each in pauses] == [1, 1, 2, 4, 8, 16, 30, 30]


async def test_a_session_that_was_good_to_its_end_is_doubted_as_the_first_one_was(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    role.doubt(role.current())
    await clock.advance(30 + 27 * MINUTE)
    role.doubt(role.current())
    await clock.advance(30)
    assert source.asked_after() == [0, 30, 30 + 27 * MINUTE, 30 + 27 * MINUTE + 30]


async def test_doubts_about_a_session_that_is_gone_change_nothing(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    first = role.current()
    role.doubt(first)
    await clock.advance(MINUTE)
    role.doubt(first)
    await clock.advance(10 * MINUTE)
    assert source.asked_after() == [0, 30]


async def test_a_late_doubt_about_an_older_session_does_not_lift_a_newer_one(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    older = role.current()
    await clock.advance(27 * MINUTE)
    role.doubt(role.current())
    role.doubt(older)
    await clock.advance(MINUTE)
    assert len(source.asked_at) == 3


async def test_a_doubt_during_a_renewal_is_settled_by_it(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    source.gate.clear()
    await clock.advance(27 * MINUTE)
    role.doubt(role.current())
    source.gate.set()
    await clock.advance(10 * MINUTE)
    assert len(source.asked_at) == 2


async def test_listeners_hear_of_every_session_at_the_moment_it_is_served(
    role: RefreshingRole, start: Start, clock: "ManualClock"
) -> None:
    heard: list[tuple[str, bool]] = []
    role.on_change(lambda new: heard.append((new.access_key_id, role.current() is new)))
    start()
    await clock.advance(40 * MINUTE)
    assert heard == [("ASIA1", True), ("ASIA2", True)]


@pytest.mark.parametrize("failure", [None, DOWN], ids=["well", "badly"])
async def test_settled_waits_for_the_first_attempt_to_end(
    failure: Exception | None,
    role: RefreshingRole,
    start: Start,
    source: "FakeSource",
    clock: "ManualClock",
) -> None:
    source.failure = failure
    source.gate.clear()
    start()
    waiting = asyncio.create_task(role.settled(60))
    await clock.advance(0)
    assert not waiting.done()
    source.gate.set()
    await clock.advance(0)
    assert waiting.done()


async def test_settled_gives_up_in_time(role: RefreshingRole, reason: Reason) -> None:
    await role.settled(0)
    assert str(reason()) == "no session for role billing yet"


async def test_cancelling_ends_the_renewing(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    task = start()
    await clock.advance(0)
    task.cancel()
    await clock.advance(2 * HOUR)
    assert task.cancelled()
    assert len(source.asked_at) == 1


async def test_whoever_wants_to_know_hears_of_a_doubt_about_what_is_served(
    role: RefreshingRole, start: Start, clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    heard: list[str] = []
    role.on_doubt(lambda: heard.append("doubt"))
    role.doubt(replace(role.current()))
    assert heard == []
    role.doubt(role.current())
    assert heard == ["doubt"]
