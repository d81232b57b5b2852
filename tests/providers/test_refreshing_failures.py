"""A refreshing role in bad weather: never bad for good, never an expired set, never silent."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from sidecar.credentials import Credentials
from sidecar.errors import NotReady, UpstreamRefused, UpstreamUnavailable
from sidecar.providers.refreshing import RefreshingRole

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.providers.conftest import FakeSource

Start = Callable[[], asyncio.Task[None]]
Reason = Callable[[], NotReady]

MINUTE, HOUR = 60.0, 3600.0
DOWN = UpstreamUnavailable("no answer from AWS", hint="check the network")


def _fail(_: Credentials) -> None:
    raise RuntimeError("a bug")


async def test_failures_are_retried_with_growing_pauses(
    start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = DOWN
    start()
    await clock.advance(100)
    pauses = [later - earlier for earlier, later in pairwise(source.asked_after())]
    assert pauses == [1.25, 2.25, 4.25, 8.25, 16.25, 30.25, 30.25]


async def test_a_refusal_is_asked_about_seldom_and_heals_by_itself(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = UpstreamRefused("the trust policy says no", status=403)
    start()
    await clock.advance(HOUR)
    assert source.asked_after() == [0, 7.5, 22.5, 52.5, 112.5, 232.5, 472.5, 952.5, 1912.5, 3262.5]
    source.failure = None
    await clock.advance(HOUR / 2)
    assert role.current().expires_at > clock.now()


async def test_who_is_throttled_stays_away_as_long_as_aws_asks_and_a_random_time_longer(
    start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = UpstreamUnavailable("too many", status=429, retry_after_seconds=40)
    start()
    await clock.advance(2 * MINUTE)
    assert source.asked_after() == [0, 45.25, 95.5]


async def test_a_clock_set_back_makes_no_pause_longer(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = DOWN
    start()
    await clock.advance(MINUTE)
    clock.set_wall(-10 * HOUR)
    source.failure = None
    await clock.advance(MINUTE)
    assert role.current().expires_at > clock.now()


async def test_a_mistake_that_is_mended_in_time_costs_no_session(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.lifetime = timedelta(minutes=50)
    start()
    await clock.advance(MINUTE)
    source.failure = UpstreamRefused("the trust policy says no", status=403)
    await clock.advance(39 * MINUTE)
    source.failure = None
    for _ in range(30):
        await clock.advance(MINUTE)
        assert role.current().expires_at > clock.now()


async def test_the_last_good_session_is_served_until_it_expires_and_not_longer(
    role: RefreshingRole, reason: Reason, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    source.failure = DOWN
    await clock.advance(HOUR - 1)
    assert role.current().access_key_id == "ASIA1"
    assert len(source.asked_at) > 2
    await clock.advance(1)
    why = reason()
    assert str(why) == "no valid session for role billing: no answer from AWS"
    assert (why.hint, why.http_status) == ("check the network", 503)


async def test_it_recovers_by_itself(
    role: RefreshingRole,
    start: Start,
    source: "FakeSource",
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    source.failure = DOWN
    start()
    await clock.advance(MINUTE)
    source.failure = None
    await clock.advance(MINUTE)
    assert role.current().expires_at > clock.now()
    assert "role billing: recovered after" in caplog.text


async def test_an_unexpected_exception_does_not_end_the_renewing(
    role: RefreshingRole, reason: Reason, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = RuntimeError("a bug")
    start()
    await clock.advance(0)
    assert str(reason()) == (
        "no valid session for role billing: unexpected RuntimeError; see the log"
    )
    source.failure = None
    await clock.advance(MINUTE)
    assert role.current().expires_at > clock.now()


async def test_an_expired_set_from_the_source_replaces_nothing(
    role: RefreshingRole, reason: Reason, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    source.age = timedelta(hours=2)
    await clock.advance(45 * MINUTE)
    assert role.current().access_key_id == "ASIA1"
    await clock.advance(15 * MINUTE)
    assert "the source gave a set that has expired already" in str(reason())


async def test_a_source_that_hands_out_an_old_set_is_not_asked_without_end(
    start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.age = timedelta(minutes=50)
    start()
    await clock.advance(3)
    assert source.asked_after() == [0, 1, 2, 3]


async def test_while_a_renewal_hangs_the_last_session_is_served(
    role: RefreshingRole, reason: Reason, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(0)
    source.gate.clear()
    await clock.advance(HOUR - 1)
    assert source.in_flight == 1
    assert role.current().access_key_id == "ASIA1"
    await clock.advance(1)
    assert str(reason()) == "the last session of role billing has expired"


async def test_a_listener_that_fails_stops_neither_the_others_nor_the_renewing(
    role: RefreshingRole,
    start: Start,
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Credentials] = []
    role.on_change(_fail)
    role.on_change(heard.append)
    start()
    await clock.advance(40 * MINUTE)
    assert len(heard) == 2
    assert "role billing: a listener failed on a new session" in caplog.text


@pytest.mark.parametrize(
    ("after", "left"),
    [
        pytest.param(0, "nothing to serve", id="never any"),
        pytest.param(HOUR - 1, "the last session is served until 2026-03-01T13:00:00Z", id="good"),
        pytest.param(HOUR + MINUTE, "the last session has expired", id="expired"),
    ],
)
async def test_a_failure_is_logged_with_what_is_left(
    after: float,
    left: str,
    start: Start,
    source: "FakeSource",
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    source.failure = None if after else DOWN
    start()
    await clock.advance(0)
    source.failure = DOWN
    await clock.advance(after)
    last = [each for each in caplog.messages if "no new session" in each][-1]
    assert "no answer from AWS (hint: check the network); next attempt in " in last
    assert last.endswith(left)


async def test_no_log_line_at_any_level_holds_a_secret(
    start: Start, source: "FakeSource", clock: "ManualClock", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    start()
    await clock.advance(0)
    source.failure = RuntimeError("a bug")
    await clock.advance(30 * MINUTE)
    assert "new session until" in caplog.text
    assert "canary" not in caplog.text


async def test_a_failed_renewal_is_told_while_the_last_session_is_still_served(
    role: RefreshingRole, start: Start, source: "FakeSource", clock: "ManualClock"
) -> None:
    start()
    await clock.advance(MINUTE)
    assert role.trouble() is None
    source.failure = DOWN
    await clock.advance(HOUR * 0.75)
    assert role.trouble() == "no answer from AWS"
    assert role.current().expires_at > clock.now()
    source.failure = None
    await clock.advance(MINUTE)
    assert role.trouble() is None
