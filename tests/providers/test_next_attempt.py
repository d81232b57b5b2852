"""Telling when a session will be asked for next."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from sidecar.errors import UpstreamRefused
from sidecar.providers.refreshing import RefreshingRole

if TYPE_CHECKING:
    from datetime import datetime

    from tests.conftest import ManualClock
    from tests.providers.conftest import FakeSource

Start = Callable[[], asyncio.Task[None]]

# Half of the five seconds within which a wish is granted, by the jitter of these tests.
SOON = timedelta(seconds=2.5)


async def _asked_as_foretold(
    role: RefreshingRole, source: "FakeSource", clock: "ManualClock"
) -> "datetime":
    """Let time pass until the moment that is told, and see that it is the one."""
    asked, told = len(source.asked_at), role.next_attempt()
    assert told is not None
    await clock.advance((told - clock.now()).total_seconds() - 0.1)
    assert (len(source.asked_at), role.next_attempt()) == (asked, told)
    await clock.advance(0.2)
    assert len(source.asked_at) == asked + 1
    return told


async def test_it_is_the_renewal_while_all_is_well(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    await _asked_as_foretold(role, source, clock)


async def test_it_is_the_end_of_the_pause_after_a_failure(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = UpstreamRefused("no")
    start()
    await clock.advance(0)
    await _asked_as_foretold(role, source, clock)


async def test_it_is_soon_when_a_renewal_is_wished_for(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(60)
    role.renew_soon()
    await clock.advance(0)
    assert role.next_attempt() == clock.now() + SOON
    await _asked_as_foretold(role, source, clock)


async def test_it_is_now_before_anything_runs(role: RefreshingRole) -> None:
    assert role.next_attempt() is None
