"""The poller: handled before deleted, never ending, and what was missed is made up for."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from sidecar.aws.queue import Message
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnreachable
from sidecar.secret_cache.event_queue import EventQueue

if TYPE_CHECKING:
    from tests.conftest import ManualClock


def sent(body: str) -> Message:
    return Message("1", "receipt", body)


def change(secret_id: str, event_id: str = "") -> Message:
    """Write an event that says that a secret has been rotated."""
    detail = {
        "eventName": "RotationSucceeded",
        "eventID": event_id,
        "additionalEventData": {"SecretId": secret_id},
    }
    return sent(json.dumps({"source": "aws.secretsmanager", "detail": detail}))


@dataclass
class PlannedQueue:
    """Gives what was planned, poll by poll; then waits as an empty queue does."""

    clock: "ManualClock"
    told: list[str]
    polls: deque[Sequence[Message] | Exception] = field(default_factory=deque)
    delete_failure: SidecarError | None = None
    asked: int = 0

    async def receive(self) -> Sequence[Message]:
        self.asked += 1
        planned = self.polls.popleft() if self.polls else None
        if planned is None:
            await self.clock.sleep(20)
            return ()
        if isinstance(planned, Exception):
            raise planned
        return planned

    async def delete(self, messages: Sequence[Message]) -> None:
        if self.delete_failure is not None:
            raise self.delete_failure
        self.told.append(f"deleted {len(messages)}")


@dataclass
class Told:
    """Notes what it is told; `failure` makes it fail."""

    told: list[str]
    failure: Exception | None = None

    def secret(self, secret_id: str) -> int:
        if self.failure is not None:
            raise self.failure
        self.told.append(f"secret {secret_id}")
        return 1

    def parameter(self, name: str) -> int:
        self.told.append(f"parameter {name}")
        return 1

    def whatever_changed(self) -> int:
        self.told.append("everything")
        return 7


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def queue(clock: "ManualClock", told: list[str]) -> PlannedQueue:
    return PlannedQueue(clock, told)


@pytest.fixture
def changed(told: list[str]) -> Told:
    return Told(told)


@pytest.fixture
def events(queue: PlannedQueue, changed: Told, clock: "ManualClock") -> EventQueue:
    return EventQueue(queue, changed, clock, jitter=lambda: 1.0)


Run = Callable[[], Awaitable[None]]


@pytest.fixture
async def run(events: EventQueue, clock: "ManualClock") -> AsyncIterator[Run]:
    """Give a function that starts the polling."""
    tasks: list[asyncio.Task[None]] = []

    async def started() -> None:
        tasks.append(asyncio.create_task(events.run()))
        await clock.advance(0)

    yield started
    for task in tasks:
        assert not task.done(), "the polling has ended"
        task.cancel()


NO_NETWORK = UpstreamUnreachable("Read Error", code="ConnectionError")
DENIED = UpstreamRefused("not authorized", status=403, code="AccessDenied")


async def test_a_message_is_deleted_after_it_was_handled(
    queue: PlannedQueue, run: Run, told: list[str]
) -> None:
    queue.polls += [[change("prod/web"), sent('{"name": "/prod/web"}')]]
    await run()
    assert told == ["everything", "secret prod/web", "parameter /prod/web", "deleted 2"]


async def test_a_message_about_nothing_of_ours_is_deleted_too(
    queue: PlannedQueue, run: Run, told: list[str]
) -> None:
    queue.polls += [[sent("no JSON")]]
    await run()
    assert told == ["everything", "deleted 1"]


async def test_several_events_about_one_secret_are_one_change(
    queue: PlannedQueue, run: Run, told: list[str]
) -> None:
    queue.polls += [[change("prod/web", "1"), change("prod/web", "2")]]
    await run()
    assert told == ["everything", "secret prod/web", "deleted 2"]


async def test_an_event_that_is_delivered_again_changes_nothing_more(
    queue: PlannedQueue, run: Run, told: list[str]
) -> None:
    queue.polls += [[change("prod/web", "1")], [change("prod/web", "1")], [change("prod/web", "2")]]
    await run()
    rotated = ["secret prod/web", "deleted 1"]
    assert told == ["everything", *rotated, "deleted 1", *rotated]


async def test_events_without_an_id_all_count(
    queue: PlannedQueue, run: Run, told: list[str]
) -> None:
    queue.polls += [[sent('{"secretId": "a"}')], [sent('{"secretId": "a"}')]]
    await run()
    assert told.count("secret a") == 2


async def test_after_failed_polls_everything_is_read_again_once_the_queue_answers(
    queue: PlannedQueue, run: Run, told: list[str], clock: "ManualClock"
) -> None:
    await run()
    queue.polls += [NO_NETWORK] * 3
    await clock.advance(40)
    assert told == ["everything"]
    await clock.advance(60)
    assert told == ["everything", "everything"]
    await clock.advance(600)
    assert told == ["everything", "everything"]


async def test_a_queue_that_fails_now_and_then_makes_no_storm(
    queue: PlannedQueue, run: Run, told: list[str], clock: "ManualClock"
) -> None:
    for _ in range(100):
        queue.polls += [NO_NETWORK, [sent("{}")]]
    await run()
    await clock.advance(150)
    assert told.count("everything") == 3


@pytest.mark.parametrize("failure", [NO_NETWORK, DENIED, RuntimeError("a bug")])
async def test_pauses_between_failed_polls_double_up_to_a_minute(
    queue: PlannedQueue, run: Run, clock: "ManualClock", failure: Exception
) -> None:
    queue.polls += [failure] * 1000
    await run()
    for seconds, asked in ((1, 1), (1, 2), (3, 2), (1, 3), (8 + 16 + 32, 6), (60, 7), (600, 17)):
        await clock.advance(seconds)
        assert queue.asked == asked


async def test_the_status_tells_how_the_polling_goes(
    queue: PlannedQueue, events: EventQueue, run: Run, clock: "ManualClock"
) -> None:
    queue.polls += [DENIED, DENIED]
    await run()
    assert (events.status.last_success, events.status.failures) == (None, 1)
    assert events.trouble() == "not authorized"
    queue.polls += [[sent("{}"), sent("{}")]]
    await clock.advance(10)
    assert events.trouble() is None
    assert (events.status.failures, events.status.messages) == (0, 2)
    assert events.status.last_error == "not authorized"
    assert events.status.last_success == clock.now().replace(second=6)


async def test_the_same_failure_is_told_once(
    queue: PlannedQueue, run: Run, clock: "ManualClock", caplog: pytest.LogCaptureFixture
) -> None:
    queue.polls += [DENIED] * 10
    await run()
    await clock.advance(300)
    warnings = [each for each in caplog.records if each.levelname == "WARNING"]
    assert [each.message.count("not authorized") for each in warnings] == [1]


async def test_a_message_that_could_not_be_deleted_is_not_handled_again(
    queue: PlannedQueue, run: Run, told: list[str], clock: "ManualClock"
) -> None:
    queue.delete_failure = NO_NETWORK
    queue.polls += [[change("prod/web", "1")], [change("prod/web", "1")]]
    await run()
    queue.delete_failure = None
    await clock.advance(10)
    assert told == ["everything", "secret prod/web", "deleted 1"]


async def test_what_could_not_be_handled_is_not_deleted(
    queue: PlannedQueue, run: Run, changed: Told, told: list[str], clock: "ManualClock"
) -> None:
    changed.failure = RuntimeError("a bug")
    queue.polls += [[change("prod/web", "1")]]
    await run()
    assert "deleted 1" not in told
    changed.failure = None
    queue.polls += [[change("prod/web", "1")]]
    await clock.advance(10)
    assert told[-2:] == ["secret prod/web", "deleted 1"]


async def test_a_queue_that_does_not_wait_is_not_asked_without_end(
    queue: PlannedQueue, run: Run, clock: "ManualClock"
) -> None:
    queue.polls += [()] * 1000
    await run()
    await clock.advance(10)
    assert queue.asked == 11


async def test_no_log_line_quotes_a_message(
    queue: PlannedQueue, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    queue.polls += [[sent("canary-body"), sent('{"secretId": "canary-body"}')]]
    await run()
    assert "canary-body" not in caplog.text


async def test_only_the_last_thousand_events_are_remembered(
    queue: PlannedQueue, run: Run, told: list[str]
) -> None:
    queue.polls += [[change("a", str(number)) for number in range(1001)]]
    queue.polls += [[change("c", "1")], [change("b", "0")]]
    await run()
    assert "secret b" in told
    assert "secret c" not in told
