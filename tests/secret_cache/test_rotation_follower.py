"""Following rotations: few questions to AWS, short intervals only where they are due."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretDescription, SecretValue
from sidecar.errors import UpstreamRefused, UpstreamUnreachable
from sidecar.redaction import Secret
from sidecar.secret_cache.rotation_follower import RotationFollower

if TYPE_CHECKING:
    from tests.conftest import ManualClock

WEB: Final = Reader("default", "us-east-1")
OTHER: Final = Reader("reports", "us-east-1")
ARN: Final = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/web-AbCdEf"
DAY: Final = 86_400.0
DENIED: Final = UpstreamRefused("not authorized", status=400, code="AccessDeniedException")
GONE: Final = UpstreamRefused("can't find it", status=400, code="ResourceNotFoundException")
NO_NETWORK: Final = UpstreamUnreachable("Read Error", code="ConnectionError")


def value(version: str, arn: str = ARN, stages: tuple[str, ...] = ("AWSCURRENT",)) -> SecretValue:
    return SecretValue(arn, "prod/web", version, Secret("canary-value"), None, stages, None)


@dataclass
class PlannedAws:
    """One rotated secret, described and renewed; `held` is how many entries there are."""

    next_rotation: datetime | None
    current: str = "v1"
    failure: Exception | None = None
    held: int = 1
    described: list[tuple[str, str]] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def describe(self, reader: Reader, arn: str) -> SecretDescription:
        self.described.append((reader.role, arn))
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        stages = {self.current: ("AWSCURRENT",)}
        return SecretDescription(arn, "prod/web", True, self.next_rotation, None, None, stages)

    def renew(self, arn: str) -> int:
        self.renewed.append(arn)
        return self.held


@pytest.fixture
def aws(now: datetime) -> PlannedAws:
    return PlannedAws(now + timedelta(days=10))


@pytest.fixture
def follower(aws: PlannedAws, clock: "ManualClock") -> RotationFollower:
    return RotationFollower(aws.describe, aws.renew, clock, jitter=lambda: 1.0)


Run = Callable[[], Awaitable[None]]


@pytest.fixture
async def run(follower: RotationFollower, clock: "ManualClock") -> AsyncIterator[Run]:
    """Give a function that starts following."""
    tasks: list[asyncio.Task[None]] = []

    async def started() -> None:
        tasks.append(asyncio.create_task(follower.run()))
        await clock.advance(0)

    yield started
    for task in tasks:
        assert not task.done(), "the following has ended"
        task.cancel()


async def test_a_held_secret_is_described_once_until_its_date_has_passed(
    follower: RotationFollower, aws: PlannedAws, run: Run, clock: "ManualClock"
) -> None:
    await run()
    for _ in range(3):
        follower.saw(WEB, value("v1"))
        await clock.advance(10)
    assert aws.described == [("default", ARN)]
    clock.jump(10 * DAY + 4 * 3600)
    await clock.advance(5)
    assert len(aws.described) == 2


async def test_near_the_date_the_value_is_renewed_every_half_minute_until_it_changes(
    follower: RotationFollower, aws: PlannedAws, run: Run, clock: "ManualClock"
) -> None:
    follower.saw(WEB, value("v1"))
    await run()
    await clock.advance(600)
    assert aws.renewed == []
    clock.jump(9.5 * DAY)
    await clock.advance(300)
    assert len(aws.renewed) == 10
    follower.saw(WEB, value("v2"))
    await clock.advance(300)
    assert len(aws.renewed) == 10


async def test_what_is_not_held_any_more_is_let_go(
    follower: RotationFollower, aws: PlannedAws, run: Run, clock: "ManualClock"
) -> None:
    follower.saw(WEB, value("v1"))
    await run()
    aws.held = 0
    clock.jump(9.5 * DAY)
    await clock.advance(300)
    assert aws.renewed == [ARN]


async def test_a_version_that_only_aws_knows_is_read_at_once(
    follower: RotationFollower, aws: PlannedAws, run: Run
) -> None:
    aws.current = "v2"
    follower.saw(WEB, value("v1"))
    await run()
    assert aws.renewed == [ARN]


@pytest.mark.parametrize("stages", [(), ("AWSPREVIOUS",), ("AWSPENDING",)])
async def test_versions_that_are_not_current_are_not_followed(
    follower: RotationFollower, aws: PlannedAws, run: Run, stages: tuple[str, ...]
) -> None:
    follower.saw(WEB, value("v0", stages=stages))
    await run()
    assert aws.described == []


async def test_a_denied_description_is_told_once_and_that_reader_is_asked_no_more(
    follower: RotationFollower,
    aws: PlannedAws,
    run: Run,
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    aws.failure = DENIED
    for number in range(5):
        follower.saw(WEB, value("v1", f"{ARN}{number}"))
    await run()
    follower.saw(WEB, value("v1"))
    clock.jump(2 * DAY)
    await clock.advance(60)
    assert len(aws.described) == 1
    assert caplog.text.count("secretsmanager:DescribeSecret") == 1
    aws.failure = None
    follower.saw(OTHER, value("v1"))
    await clock.advance(5)
    assert aws.described[1:] == [("reports", ARN)]


async def test_a_secret_that_is_gone_stops_nobody_elses_following(
    follower: RotationFollower, aws: PlannedAws, run: Run, clock: "ManualClock"
) -> None:
    aws.failure = GONE
    follower.saw(WEB, value("v1"))
    await run()
    aws.failure = None
    follower.saw(WEB, value("v1", f"{ARN}2"))
    await clock.advance(5)
    assert aws.described == [("default", ARN), ("default", f"{ARN}2")]


@pytest.mark.parametrize("failure", [NO_NETWORK, RuntimeError("a bug")])
async def test_while_aws_cannot_be_asked_one_question_is_tried_with_growing_pauses(
    follower: RotationFollower,
    aws: PlannedAws,
    run: Run,
    clock: "ManualClock",
    failure: Exception,
) -> None:
    aws.failure = failure
    for number in range(50):
        follower.saw(WEB, value("v1", f"{ARN}{number}"))
    await run()
    assert len(aws.described) == 1
    await clock.advance(600)
    assert len(aws.described) < 20
    before = len(aws.described)
    aws.failure = None
    await clock.advance(65)
    assert len(aws.described) == before + 50


async def test_no_more_are_followed_than_a_cache_may_hold(
    follower: RotationFollower, aws: PlannedAws, run: Run
) -> None:
    for number in range(20_002):
        follower.saw(WEB, value("v1", f"{ARN}{number}"))
    follower.saw(WEB, value("v1", f"{ARN}2"))
    await run()
    described = {arn for _, arn in aws.described}
    assert len(described) == 20_000
    assert f"{ARN}2" in described
    assert f"{ARN}1" not in described


async def test_what_made_room_while_it_was_described_stays_away(
    follower: RotationFollower, aws: PlannedAws, run: Run, clock: "ManualClock"
) -> None:
    aws.gate.clear()
    follower.saw(WEB, value("v1"))
    await run()
    for number in range(20_000):
        follower.saw(WEB, value("v1", f"{ARN}{number}"))
    aws.gate.set()
    clock.jump(9.5 * DAY)
    await clock.advance(15)
    assert ARN not in aws.renewed
    assert f"{ARN}0" in aws.renewed


async def test_what_was_let_go_is_not_described(
    follower: RotationFollower, aws: PlannedAws, run: Run, clock: "ManualClock"
) -> None:
    aws.current, aws.held = "v2", 0
    follower.saw(WEB, value("v1"))
    follower.saw(OTHER, value("v1"))
    await run()
    clock.jump(DAY)
    await clock.advance(60)
    assert len(aws.described) == 1
