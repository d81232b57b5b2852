"""Sessions of an SDK that are held for hours work on while the key under them is rotated.

The SDK comes back when the end of what it holds is near, and hears of nothing else. Time is moved
for everybody: AWS, the sidecar, who rotates, and the sessions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.auth
import pytest
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from sidecar.demo.stage import ROLE_NAME
from sidecar.rotation.aws_calls import AwsCalls
from sidecar.rotation.goal import Retirement, Target
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.retirement import Wait
from tests.rotation.conftest import clients_of

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start, Until
    from tests.service.key_user import KeyUser

ROTATIONS: Final = 5
LONG: Final = timedelta(hours=12)
RULES: Final = Retirement(grace=timedelta(hours=1), recovery=timedelta(minutes=30))
STEP: Final = timedelta(minutes=10)
# Half of an hour, at which the role is renewed, less what the sidecar sleeps at a time.
KEPT: Final = timedelta(minutes=29)
STEPS_OF_A_ROTATION: Final = 11
# How many steps it takes from a session's call to its next one.
HABITS: Final = (1, 2, 5)
LAG: Final = {
    "new_key_delay_seconds": 10,
    "old_key_delay_seconds": 4,
    "last_used_lag_seconds": 4 * 3600,
}
ONCE: Final = BotoConfig(retries={"total_max_attempts": 1})
# When the thread signs that works at a door; everybody else signs by the machine's clock.
signing_at: ContextVar[datetime | None] = ContextVar("signing_at", default=None)


@dataclass
class Time:
    """The one time of a test. What the rotator sleeps, the sidecar is told of afterwards."""

    aws: "Aws"
    clock: "ManualClock"
    slept: float = 0

    def now(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.aws.emulator.move_clock((self.now() - datetime.now(UTC)).total_seconds())

    async def passes(self) -> None:
        """Let a step pass; only in its last seconds does the sidecar get to do anything."""
        self.sleep(STEP.total_seconds())
        asleep, self.slept = self.slept - 10, 0
        self.clock.jump(asleep)
        await self.clock.advance(10)


@dataclass
class Held:
    """A session that an application made once, and its clients."""

    every: int
    credentials: Any
    s3: Any
    manager: Any
    secret_id: str
    keys: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def work(self, now: datetime) -> None:
        """Ask AWS, and at the aws-api door for what is held there and for what is sent on."""
        for call in (self.s3.list_buckets, partial(self._at_the_door, now)):
            try:
                call()
            except (ClientError, BotoCoreError) as exc:
                self.failed.append(str(exc))
        self.keys.append(self.credentials.get_frozen_credentials().access_key)

    def _at_the_door(self, now: datetime) -> None:
        usual = signing_at.set(now)
        try:
            self.manager.get_secret_value(SecretId=self.secret_id)
            self.manager.list_secrets()
        finally:
            signing_at.reset(usual)

    def relies_on(self, access_key_id: str) -> bool:
        """Whether it would sign with this key now, without coming back for another."""
        held = self.credentials
        return bool(held._access_key == access_key_id and not held.refresh_needed())


@dataclass
class Play:
    """Sessions at work, and somebody who rotates the key under them."""

    time: Time
    user: "KeyUser"
    keeper: Keeper
    doors: "Doors"
    until: "Until"
    iam: Any
    held: list[Held] = field(default_factory=list)
    late: list[Held] = field(default_factory=list)

    def hold(self, every: int) -> None:
        """Make a session as any application does, and tell it the time."""
        emulator = self.time.aws.emulator
        session = boto3.Session(region_name=emulator.region)
        credentials: Any = session.get_credentials()
        credentials._time_fetcher = self.time.now
        connect: Any = session.client
        s3 = connect("s3", endpoint_url=emulator.url, config=ONCE)
        door = self.doors.urls["aws_api"]
        manager = connect("secretsmanager", endpoint_url=door, config=ONCE)
        self.held.append(Held(every, credentials, s3, manager, self.user.secret_id))

    async def passes(self) -> None:
        """Let a step pass, and wait until the sidecar has renewed what is due by then."""
        await self.time.passes()
        await self.until(self._fresh)

    async def _fresh(self) -> bool:
        end = datetime.fromisoformat((await self.doors.credentials(role="legacy"))[1]["Expiration"])
        return end - self.time.now() >= KEPT

    async def rotation(self, *, told: bool) -> None:
        """Rotate once, and let time pass until the old key is gone; some sidecars are told."""
        (old,) = self._keys()
        await asyncio.to_thread(self.keeper.rotate)
        if told:
            url = f"{self.doors.urls['admin']}/invalidate"
            async with self.doors.http.post(url, params={"secretId": self.user.secret_id}):
                pass
        due = self.time.now()
        for step in range(STEPS_OF_A_ROTATION):
            if due <= self.time.now():
                due = await self._reaped(old)
            await asyncio.to_thread(self._all_work, step)
            await self.passes()
        assert list(self._keys().values()) == ["Active"]

    async def _reaped(self, old: str) -> datetime:
        """Reap, see who relies on a key that is now inactive, and tell when to reap next."""
        reaped = await asyncio.to_thread(self.keeper.reap)
        if self._keys().get(old) == "Inactive":
            self.late.extend(each for each in self.held if each.relies_on(old))
        assert isinstance(reaped.next, Wait)
        return reaped.next.until or datetime.max.replace(tzinfo=UTC)

    def _all_work(self, step: int) -> None:
        for each in self.held:
            if step % each.every == 0:
                each.work(self.time.now())

    def _keys(self) -> dict[str, str]:
        """Give the status of each of the user's keys."""
        listed = self.iam.list_access_keys(UserName=self.user.name)
        return {each["AccessKeyId"]: each["Status"] for each in listed["AccessKeyMetadata"]}


@pytest.fixture
def time(
    aws: "Aws", clock_of_today: "ManualClock", monkeypatch: pytest.MonkeyPatch
) -> Iterator[Time]:
    """Give the time, by which requests to the aws-api door are signed as well."""
    by_the_machine: Any = vars(botocore.auth)["get_current_datetime"]

    def signed(*words: Any, **more: Any) -> datetime:
        at, usual = signing_at.get(), by_the_machine(*words, **more)
        return usual if at is None else at.replace(tzinfo=usual.tzinfo)

    monkeypatch.setattr(botocore.auth, "get_current_datetime", signed)
    yield Time(aws, clock_of_today)
    aws.emulator.change_iam()
    aws.emulator.move_clock(0)


@pytest.fixture
def long_sessions(aws: "Aws") -> Iterator[None]:
    """Let the role that reads secrets have one session for the whole test."""
    _sessions_last(aws, LONG)
    yield
    _sessions_last(aws, timedelta(hours=1))


def _sessions_last(aws: "Aws", longest: timedelta) -> None:
    seconds, anywhere = int(longest.total_seconds()), aws.client("rolesanywhere")
    for profile in anywhere.list_profiles()["profiles"]:
        anywhere.update_profile(profileId=profile["profileId"], durationSeconds=seconds)
    aws.client("iam").update_role(RoleName=ROLE_NAME, MaxSessionDuration=seconds)


@pytest.fixture
def config_file(config_of_user: Path) -> Path:
    """Give the file with a role that is the user."""
    return config_of_user


@pytest.fixture
async def play(
    *,
    start: "Start",
    until: "Until",
    time: Time,
    long_sessions: None,
    user: "KeyUser",
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Awaitable[Play]]:
    """Give a function that starts a sidecar, and sessions that hold the user's key for so long."""
    keeper = Keeper(
        AwsCalls(clients_of(time.aws), time.now),
        Target(user.secret_id, user.name),
        RULES,
        "this test",
        time.now,
        time.sleep,
    )

    async def begun(lifetime: timedelta) -> Play:
        doors = await start(
            time.clock,
            SIDECAR_APPS_WEB_ROLES="default,legacy",
            SIDECAR_DOORS_AWS_API="127.0.0.1:0",
            SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS=_seconds(LONG),
            SIDECAR_ROLES_LEGACY_SESSION_DURATION_SECONDS=_seconds(lifetime),
        )
        await until(doors.ready)
        time.aws.emulator.change_iam(**LAG)
        doors.show(monkeypatch, role="legacy")
        playing = Play(time, user, keeper, doors, until, time.aws.client("iam"))
        for every in HABITS:
            await asyncio.to_thread(playing.hold, every)
            await playing.passes()
        return playing

    return begun


def _seconds(long: timedelta) -> str:
    return f"{long.total_seconds():.0f}"


async def test_held_sessions_have_moved_on_before_each_old_key_is_deactivated_and_no_call_fails(
    play: Callable[..., Awaitable[Play]],
) -> None:
    playing = await play(RULES.grace)
    for number in range(ROTATIONS):
        await playing.rotation(told=number % 2 == 0)
    assert [each.failed for each in playing.held] == [[]] * len(HABITS)
    assert playing.late == []
    # Also those that idle: none skipped a key, each used every one.
    assert [len(set(each.keys)) for each in playing.held] == [ROTATIONS + 1] * len(HABITS)


async def test_with_an_end_beyond_the_grace_they_rely_on_a_key_that_is_inactive_and_calls_fail(
    play: Callable[..., Awaitable[Play]],
) -> None:
    playing = await play(3 * RULES.grace)
    await playing.rotation(told=True)
    assert playing.late == playing.held
    assert all(each.failed for each in playing.held)
