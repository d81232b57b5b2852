"""In the background a key is rotated when it is due, and a failure is told and tried again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from sidecar.errors import NotReady, SidecarError
from sidecar.key_rotation import KeyRotation, Rhythm
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.reaper import Reaped
from sidecar.rotation.retirement import Wait
from sidecar.rotation.schedule import Schedule
from sidecar.rotation.stuck import RotationStuck
from sidecar.rotation.trial import KeyNotWorking
from tests.conftest import ManualClock

DAILY = Schedule.parse("cron(0 0 * * ? *)", "2h")


@dataclass
class Kept:
    """A keeper that only counts."""

    clock: ManualClock
    rotated: datetime | None
    rotations: int = 0
    looks: int = 0
    reaped: int = 0
    fails: SidecarError | None = None
    reaper_fails: bool = False
    done: tuple[str, ...] = ()
    told: list[str] = field(default_factory=list)

    def rotated_at(self) -> datetime | None:
        self.looks += 1
        return self.rotated

    def rotate(self) -> str:
        if self.fails is not None:
            raise self.fails
        self.rotations += 1
        self.rotated = self.clock.now()
        return "v" * 36

    def reap(self) -> Reaped:
        self.reaped += 1
        if self.reaper_fails:
            raise RotationStuck("it may not be tagged", hint="allow it")
        return Reaped(self.done, Wait("there is no previous key"))


@pytest.fixture
async def kept(clock: ManualClock, now: datetime) -> AsyncIterator[tuple[Kept, KeyRotation]]:
    """Keep a key that was rotated at noon, with a window at midnight."""
    keeper = Kept(clock, now)
    rotation = KeyRotation(
        "batch", cast("Keeper", keeper), Rhythm(DAILY, 0), keeper.told.append, clock
    )
    task = asyncio.create_task(rotation.run())
    yield keeper, rotation
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


Both = tuple[Kept, KeyRotation]


async def test_it_rotates_once_in_the_window_and_tells_that_the_value_changed(
    kept: Both, clock: ManualClock
) -> None:
    keeper, _ = kept
    await _advance_until(clock, lambda: keeper.looks > 0)
    assert keeper.rotations == 0
    await _advance_until(clock, lambda: keeper.rotations == 1)
    assert keeper.rotated is not None
    assert keeper.rotated.hour == 0
    assert keeper.told == ["batch"]


async def test_a_failure_is_shown_and_the_next_look_tries_again(
    kept: Both, clock: ManualClock
) -> None:
    keeper, rotation = kept
    keeper.fails = RotationStuck("there is no place", hint="wait")
    await _advance_until(clock, lambda: rotation.trouble is not None)
    assert rotation.trouble == "there is no place"
    assert keeper.told == []
    keeper.fails = None
    await _advance_until(clock, lambda: keeper.rotations == 1)
    await _advance_until(clock, lambda: rotation.trouble is None)


async def test_failures_in_a_row_are_tried_again_ever_more_rarely_and_hourly_at_last(
    clock: ManualClock, now: datetime
) -> None:
    keeper = Kept(clock, now - timedelta(days=9), fails=RotationStuck("there is no place"))
    told = keeper.told.append
    rotation = KeyRotation("batch", cast("Keeper", keeper), Rhythm(DAILY, 0), told, clock)
    pauses = [(await rotation._looked()).seconds // 60 for _ in range(6)]
    assert pauses == [5, 10, 20, 40, 60, 60]
    assert keeper.reaped == 6  # what is stuck does not keep the replaced key alive
    keeper.fails = None
    await rotation._looked()
    keeper.rotated, keeper.fails = now - timedelta(days=9), RotationStuck("no place")
    assert await rotation._looked() == timedelta(minutes=5)


async def test_a_role_without_a_session_yet_is_waited_for_in_seconds_and_told_once_it_lasts(
    clock: ManualClock, now: datetime
) -> None:
    keeper = Kept(clock, now - timedelta(days=9), fails=NotReady("no session yet"))
    told = keeper.told.append
    rotation = KeyRotation("batch", cast("Keeper", keeper), Rhythm(DAILY, 0), told, clock)
    seen = []
    for _ in range(7):
        pause = (await rotation._looked()).seconds
        seen.append((pause, rotation.trouble))
        await clock.advance(pause)
    assert [pause for pause, _ in seen] == [1, 2, 4, 8, 10, 10, 10]
    assert [trouble for _, trouble in seen] == [None] * 6 + ["no session yet"]  # after 35 s


async def test_a_session_that_has_come_ends_the_wait_and_the_next_one_is_counted_anew(
    clock: ManualClock, now: datetime
) -> None:
    keeper = Kept(clock, now - timedelta(days=9), fails=NotReady("no session yet"))
    told = keeper.told.append
    rotation = KeyRotation("batch", cast("Keeper", keeper), Rhythm(DAILY, 0), told, clock)
    await rotation._looked()
    keeper.fails = None
    await rotation._looked()
    await clock.advance(60)
    keeper.rotated, keeper.fails = now - timedelta(days=9), NotReady("no session yet")
    assert (await rotation._looked(), rotation.trouble) == (timedelta(seconds=1), None)


async def test_a_reaper_that_may_not_work_keeps_no_key_from_being_rotated(
    clock: ManualClock, now: datetime
) -> None:
    keeper = Kept(clock, now - timedelta(days=9), reaper_fails=True)
    told = keeper.told.append
    rotation = KeyRotation("batch", cast("Keeper", keeper), Rhythm(DAILY, 0), told, clock)
    await rotation._looked()
    assert (keeper.rotations, rotation.trouble) == (1, "it may not be tagged")


async def test_after_a_failed_trial_whoever_has_the_secret_reads_it_again(
    kept: Both, clock: ManualClock
) -> None:
    keeper, rotation = kept
    keeper.fails = KeyNotWorking("key …ABCD does not work yet")
    await _advance_until(clock, lambda: rotation.trouble is not None)
    assert keeper.told == ["batch"]
    await clock.advance(200)  # it is not tried, and so not told, again before five minutes
    assert keeper.told == ["batch"]


async def test_a_bug_does_not_end_it(kept: Both, clock: ManualClock) -> None:
    keeper, rotation = kept
    keeper.done = cast("Any", 7)
    await _advance_until(clock, lambda: rotation.trouble is not None)
    assert "unexpected TypeError" in str(rotation.trouble)
    keeper.done = ()
    await _advance_until(clock, lambda: rotation.trouble is None)


async def test_without_a_schedule_nothing_is_rotated(clock: ManualClock, now: datetime) -> None:
    keeper = Kept(clock, now - timedelta(days=900), done=("made the previous key inactive",))
    rotation = KeyRotation(
        "batch", cast("Keeper", keeper), Rhythm(None, 0), keeper.told.append, clock
    )
    pause = await rotation._looked()
    assert (keeper.rotations, keeper.looks, pause) == (0, 0, timedelta(hours=1))


async def _advance_until(clock: ManualClock, condition: Any) -> None:
    """Let time pass in small parts, in which threads may end, until something is so."""
    async with asyncio.timeout(30):
        while not condition():
            await clock.advance(300)
