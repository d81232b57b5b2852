"""Asking for a renewal within seconds: prompt, once, and without losing the set in use."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.errors import UpstreamRefused, UpstreamUnavailable
from sidecar.providers.refreshing import RefreshingRole

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.providers.conftest import FakeSource

Start = Callable[[], asyncio.Task[None]]

MINUTE, HOUR = 60.0, 3600.0
# Half of the five seconds within which it happens, by the jitter of these tests.
SOON = 2.5


async def test_it_happens_within_seconds_and_the_set_in_use_is_served_till_then(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(MINUTE)
    role.renew_soon()
    await clock.advance(SOON - 0.1)
    assert role.current().access_key_id == "ASIA1"
    await clock.advance(0.1)
    assert role.current().access_key_id == "ASIA2"
    await clock.advance(10 * MINUTE)
    assert source.asked_after() == [0, MINUTE + SOON]


async def test_many_wishes_are_one_renewal(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(MINUTE)
    for _ in range(5):
        role.renew_soon()
        await clock.advance(0.4)
    await clock.advance(10 * MINUTE)
    assert source.asked_after() == [0, MINUTE + SOON]


async def test_a_failed_renewal_drops_nothing(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    source.failure = UpstreamRefused("the new certificate is of another CA")
    role.renew_soon()
    await clock.advance(MINUTE)
    assert len(source.asked_at) > 1
    assert role.current().access_key_id == "ASIA1"


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(UpstreamRefused("the certificate has expired"), id="refused"),
        pytest.param(UpstreamUnavailable("no answer"), id="no answer"),
    ],
)
async def test_it_cuts_a_pause_after_a_failure_short(
    failure: Exception,
    role: RefreshingRole,
    start: Start,
    source: "FakeSource",
    clock: "ManualClock",
) -> None:
    source.failure = failure
    start()
    await clock.advance(HOUR)
    source.failure = None
    role.renew_soon()
    await clock.advance(SOON)
    assert role.current().expires_at > clock.now()


async def test_it_never_cuts_a_pause_short_that_throttling_made(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = UpstreamUnavailable("too many", status=429, retry_after_seconds=60)
    start()
    await clock.advance(1)
    role.renew_soon()
    await clock.advance(65.25 - 1.1)
    assert source.asked_after() == [0]
    await clock.advance(0.1)
    assert source.asked_after() == [0, 65.25]


async def test_one_throttled_answer_does_not_keep_a_new_certificate_waiting_like_the_refused(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = UpstreamRefused("the certificate has expired")
    start()
    await clock.advance(HOUR)
    source.failure = UpstreamUnavailable("too many", status=429, retry_after_seconds=60)
    asked = len(source.asked_at)
    await clock.advance(HOUR / 2)
    assert len(source.asked_at) == asked + 1, "the pause of the refused is half an hour"
    source.failure = None
    throttled_at = source.asked_at[-1]
    role.renew_soon()
    await clock.advance(5 * MINUTE)
    pause = (source.asked_at[-1] - throttled_at).total_seconds()
    assert role.current().expires_at > clock.now()
    assert pause >= 60


async def test_what_a_new_certificate_is_told_is_counted_anew(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = UpstreamRefused("the certificate has expired")
    start()
    await clock.advance(HOUR)
    role.renew_soon()
    await clock.advance(SOON)
    asked = len(source.asked_at)
    await clock.advance(7.5)
    assert len(source.asked_at) == asked + 1


async def test_it_never_makes_a_renewal_later(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(27 * MINUTE - 1)
    role.renew_soon()
    await clock.advance(1)
    assert source.asked_after() == [0, 27 * MINUTE]


async def test_a_wish_during_a_renewal_is_for_another_one(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    """What is under way has been signed with the old key."""
    source.gate.clear()
    start()
    await clock.advance(0)
    role.renew_soon()
    source.gate.set()
    await clock.advance(MINUTE)
    assert source.asked_after() == [0, SOON]


async def test_a_wish_before_the_first_attempt_is_met_by_it(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    role.renew_soon()
    start()
    await clock.advance(MINUTE)
    assert source.asked_after() == [0]


async def test_cancelling_while_it_is_awaited_ends_the_renewing(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    task = start()
    await clock.advance(MINUTE)
    role.renew_soon()
    task.cancel()
    await clock.advance(HOUR)
    assert task.cancelled()
    assert source.asked_after() == [0]


async def test_a_fleet_may_spread_its_first_requests(
    source: "FakeSource", clock: "ManualClock"
) -> None:
    spread = timedelta(minutes=10)
    role = RefreshingRole("billing", source, clock, jitter=lambda: 0.5, start_spread=spread)
    task = asyncio.create_task(role.run())
    await clock.advance(5 * MINUTE - 1)
    assert source.asked_at == []
    await clock.advance(1)
    assert len(source.asked_at) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_clock_set_back_does_not_put_off_the_first_request(
    source: "FakeSource", clock: "ManualClock"
) -> None:
    spread = timedelta(minutes=10)
    role = RefreshingRole("billing", source, clock, jitter=lambda: 0.5, start_spread=spread)
    task = asyncio.create_task(role.run())
    await clock.advance(MINUTE)
    clock.set_wall(-10 * HOUR)
    await clock.advance(4 * MINUTE)
    assert len(source.asked_at) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
