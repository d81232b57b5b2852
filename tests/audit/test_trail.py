"""The trail's thread: nobody waits for it, and what is lost is counted and told."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.event import AuditEvent
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail import MOST_WAITING, AuditTrail, NoTrail, running_trail
from tests.audit.conftest import numbers_in, verified

if TYPE_CHECKING:
    from tests.audit.conftest import HeldUp, NewFile
    from tests.conftest import Eventually, ManualClock, NewEvent

LOST_LINE = "audit trail gate: {}: events wait, and too many are dropped"


@pytest.fixture
def trail(held_up: "HeldUp", clock: "ManualClock") -> Iterator[AuditTrail]:
    """Give a trail of which five events may wait, whose writer comes as far as the gate."""
    trail = AuditTrail(held_up, clock, most_waiting=5)
    trail.start()
    yield trail
    held_up.gate.set()
    trail.close()


def _stuck(trail: AuditTrail, sink: "HeldUp", event: AuditEvent) -> None:
    """Let the writer take one event, and wait until it stands at the gate."""
    trail.record(event)
    assert sink.reached.wait(30)


def test_what_is_recorded_is_written_in_its_order(
    trail: AuditTrail, held_up: "HeldUp", new_event: "NewEvent", eventually: "Eventually"
) -> None:
    held_up.gate.set()
    for name in "abcde":
        trail.record(new_event(app=name))
    eventually(lambda: len(held_up.lines) == 5)
    assert [json.loads(line)["app"] for line in held_up.lines] == list("abcde")
    assert (trail.dropped, trail.warnings()) == (0, {})


def test_nobody_waits_for_a_writer_that_is_stuck_and_the_loss_is_counted_exactly(
    trail: AuditTrail, held_up: "HeldUp", new_event: "NewEvent", eventually: "Eventually"
) -> None:
    _stuck(trail, held_up, new_event(app="first"))
    for number in range(12):
        trail.record(new_event(app=str(number)))
    assert trail.dropped == 7
    assert trail.warnings() == {"audit": "7 events dropped: see the log"}
    held_up.gate.set()
    eventually(lambda: len(held_up.lines) == 6)
    assert [json.loads(line)["app"] for line in held_up.lines] == ["first", *"01234"]
    assert (held_up.losses, trail.dropped) == ([7], 7)


def test_what_waits_takes_no_more_memory_than_its_line(
    trail: AuditTrail, held_up: "HeldUp", new_event: "NewEvent"
) -> None:
    _stuck(trail, held_up, new_event())
    trail.record(new_event(resource="r" * 100_000))
    waiting = trail._queue.get_nowait()
    assert waiting is not None
    assert len(waiting.resource) == 256


def test_trouble_is_logged_where_it_begins_and_where_it_ends(
    trail: AuditTrail,
    held_up: "HeldUp",
    new_event: "NewEvent",
    eventually: "Eventually",
    caplog: pytest.LogCaptureFixture,
) -> None:
    held_up.failure = OSError(28, "No space left on device")
    held_up.gate.set()
    for _ in range(4):
        trail.record(new_event())
    eventually(lambda: LOST_LINE.format("[Errno 28] No space left on device") in caplog.text)
    for _ in range(8):
        trail.record(new_event())
    lost = trail.dropped
    held_up.failure = None
    eventually(lambda: f"audit trail gate: written again; {lost} events" in caplog.text)
    # What an earlier test left running may log as well.
    told = [record for record in caplog.records if record.name == "sidecar.audit.trail"]
    assert [record.levelno for record in told] == [logging.ERROR, logging.WARNING]
    assert (sum(held_up.losses), len(held_up.lines)) == (lost, 12 - lost)
    assert lost >= 3, "of twelve, four at most were taken, and five wait"


def test_a_loss_is_told_even_if_nothing_follows(
    trail: AuditTrail, held_up: "HeldUp", new_event: "NewEvent", eventually: "Eventually"
) -> None:
    _stuck(trail, held_up, new_event())
    held_up.failure = None
    for _ in range(6):
        trail.record(new_event())
    held_up.gate.set()
    eventually(lambda: held_up.losses == [1])


def test_what_cannot_be_rendered_is_lost_and_the_writer_goes_on(
    trail: AuditTrail,
    held_up: "HeldUp",
    new_event: "NewEvent",
    eventually: "Eventually",
    caplog: pytest.LogCaptureFixture,
) -> None:
    held_up.gate.set()
    trail.record(new_event(time="yesterday", app=None))
    trail.record(new_event())
    eventually(lambda: held_up.lines)
    assert trail.dropped == 1
    assert "an event cannot be written" in caplog.text


def test_closing_writes_what_waits_and_closes_the_sink(
    trail: AuditTrail, held_up: "HeldUp", new_event: "NewEvent"
) -> None:
    for _ in range(5):
        trail.record(new_event())
    held_up.gate.set()
    trail.close()
    assert (len(held_up.lines), held_up.closed) == (5, True)
    trail.record(new_event())
    assert trail.dropped == 1


def test_closing_does_not_wait_for_a_writer_that_is_stuck(
    trail: AuditTrail,
    held_up: "HeldUp",
    new_event: "NewEvent",
    caplog: pytest.LogCaptureFixture,
) -> None:
    _stuck(trail, held_up, new_event())
    trail.close(0.01)
    assert "audit trail gate: given up with events that wait" in caplog.text


def test_what_cannot_be_written_at_the_end_is_counted(
    held_up: "HeldUp",
    clock: "ManualClock",
    new_event: "NewEvent",
    caplog: pytest.LogCaptureFixture,
) -> None:
    trail = AuditTrail(held_up, clock)
    held_up.failure = OSError("full")
    held_up.gate.set()
    for _ in range(1000):
        trail.record(new_event())
    trail.start()
    trail.close()
    assert trail.dropped == 1000
    assert "audit trail gate: ended; 1000 events were dropped" in caplog.text


def test_ten_thousand_events_under_rotation_are_all_there(
    path: Path, new_file: "NewFile", clock: "ManualClock", new_event: "NewEvent"
) -> None:
    trail = AuditTrail(new_file(longest=1 << 18, keep=100), clock)
    for number in range(MOST_WAITING):
        trail.record(new_event(app=str(number)))
    trail.start()
    trail.close(30)
    files = [*sorted(path.parent.glob("audit.jsonl.*"), key=_age), path]
    assert len(files) > 5
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert [json.loads(line)["app"] for line in lines] == [*map(str, range(MOST_WAITING))]
    assert (verified(*files).lines, trail.dropped) == (MOST_WAITING, 0)


def _age(path: Path) -> int:
    return -int(path.suffix[1:])


async def test_a_trail_runs_as_long_as_its_block(
    path: Path, new_file: "NewFile", clock: "ManualClock", new_event: "NewEvent"
) -> None:
    async with running_trail(new_file(), clock) as trail:
        trail.record(new_event())
    assert verified(path).granted == 1
    assert numbers_in(path) == []


async def test_without_a_sink_nothing_is_kept_and_nothing_lost(
    clock: "ManualClock", new_event: "NewEvent"
) -> None:
    async with running_trail(None, clock) as trail:
        trail.record(new_event())
        assert isinstance(trail, NoTrail)
        assert (trail.dropped, trail.warnings()) == (0, {})


def test_a_full_device_costs_events_and_no_more(
    clock: "ManualClock", new_event: "NewEvent"
) -> None:
    trail = AuditTrail(Stdout(os.open("/dev/full", os.O_WRONLY)), clock, most_waiting=3)
    trail.start()
    for _ in range(10):
        trail.record(new_event())
    trail.close()
    assert trail.dropped == 10
