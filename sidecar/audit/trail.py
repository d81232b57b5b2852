"""The trail: events are taken in at once and written by a thread of its own, in batches."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final, Protocol

from sidecar.audit.ending import Batch
from sidecar.audit.event import AuditEvent, AuditLog, NoAudit
from sidecar.audit.line import bounded, rendered
from sidecar.audit.sink import Sink
from sidecar.clock import Clock

MOST_WAITING: Final = 10_000
# With the longest lines a mebibyte, the least that a file may be limited to.
MOST_AT_ONCE: Final = 256
CLOSING_SECONDS: Final = 2.0
# So long further events are waited for, so that a busy sidecar writes fifty times a second.
_GATHERING_SECONDS: Final = 0.02
_RETRY_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


class Trail(AuditLog, Protocol):
    """A trail whose losses can be asked for."""

    @property
    def dropped(self) -> int:
        """How many events were lost since the start."""
        ...

    def warnings(self) -> Mapping[str, str]:
        """Say what is to be seen to."""
        ...


class NoTrail(NoAudit):
    """Keeps nothing, and so loses nothing."""

    dropped: Final = 0

    def warnings(self) -> Mapping[str, str]:
        """Say nothing."""
        return {}


class AuditTrail:
    """Writes events to a sink; whatever becomes of that, the sidecar goes on.

    What cannot be written waits. Once the queue is full, events are dropped and counted; the log
    says so, and so does a line of the trail as soon as one can be written.

    Args:
        sink: where lines go.
        clock: for lines that note a loss.
        most_waiting: how many events may wait.

    """

    def __init__(self, sink: Sink, clock: Clock, *, most_waiting: int = MOST_WAITING) -> None:
        self._sink, self._clock = sink, clock
        self._most_waiting = most_waiting
        self._queue: SimpleQueue[AuditEvent | None] = SimpleQueue()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="audit trail", daemon=True)
        # Counted by the thread that records, and by the one that writes.
        self._refused = self._lost = 0
        # How many of them the trail tells of, and how many it told of when trouble began.
        self._told = 0
        self._trouble: int | None = None
        self._lines: list[bytes] = []

    @property
    def dropped(self) -> int:
        """How many events were lost since the start."""
        return self._refused + self._lost

    def warnings(self) -> Mapping[str, str]:
        """Say how many events were lost."""
        return {"audit": f"{self.dropped} events dropped: see the log"} if self.dropped else {}

    def record(self, event: AuditEvent) -> None:
        """Take an event in, or count it as lost; from one thread, the event loop's."""
        if self._queue.qsize() >= self._most_waiting or self._closing.is_set():
            self._refused += 1
            return
        with suppress(Exception):  # the writer will say what is wrong with it
            event = bounded(event)
        self._queue.put(event)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self, seconds: float = CLOSING_SECONDS) -> None:
        """Write what waits, for so long at the most."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            log.error("audit trail %s: given up with events that wait", self._sink.name)

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._wait()
                self._write_waiting()
            self._write_waiting()
            self._give_up()
        finally:
            self._sink.close()

    @property
    def _owes(self) -> bool:
        """Whether there is something to write, a loss if nothing else."""
        return bool(self._lines) or self.dropped > self._told

    def _wait(self) -> None:
        if self._owes:
            self._closing.wait(_RETRY_SECONDS)  # the last attempt has failed
        else:
            self._take(self._queue.get())
            self._closing.wait(_GATHERING_SECONDS)

    def _write_waiting(self) -> None:
        """Write until nothing waits, or until it fails."""
        self._take_waiting()
        while self._owes and self._write():
            self._take_waiting()

    def _take_waiting(self) -> None:
        while len(self._lines) < MOST_AT_ONCE:
            try:
                event = self._queue.get_nowait()
            except Empty:
                return
            self._take(event)

    def _take(self, event: AuditEvent | None) -> None:
        """Render an event; None only wakes the thread."""
        if event is None:
            return
        try:
            self._lines.append(rendered(event))
        except Exception:
            self._lost += 1
            log.exception("audit trail %s: an event cannot be written", self._sink.name)

    def _write(self) -> bool:
        """Write a batch; say whether all of it is written."""
        lost = self.dropped
        batch = Batch(tuple(self._lines), lost - self._told, self._clock.now())
        try:
            written = self._sink.write(batch)
        except Exception:
            log.exception("audit trail %s: events cannot be written", self._sink.name)
            self._lost += len(self._lines)
            self._lines.clear()
            return False
        del self._lines[: written.lines]
        if self._trouble is None and (written.failure or batch.dropped):
            self._begin_trouble(written.failure)
        if written.told:
            self._told = lost
        if self._trouble is not None and not self._owes and self._queue.empty():
            self._end_trouble(self._trouble)
        return written.failure is None

    def _begin_trouble(self, failure: OSError | None) -> None:
        """Say once what is wrong, and not for each line that is concerned."""
        self._trouble = self._told
        why = failure or "more events than can be written"
        name = self._sink.name
        log.error("audit trail %s: %s: events wait, and too many are dropped", name, why)

    def _end_trouble(self, before: int) -> None:
        lost = self._told - before
        log.warning("audit trail %s: written again; %d events were dropped", self._sink.name, lost)
        self._trouble = None

    def _give_up(self) -> None:
        """Count what could not be written at the end."""
        lost = len(self._lines)
        while not self._queue.empty():
            lost += self._queue.get() is not None
        if lost:
            self._lost += lost
            log.error("audit trail %s: ended; %d events were dropped", self._sink.name, lost)


@asynccontextmanager
async def running_trail(sink: Sink | None, clock: Clock) -> AsyncIterator[Trail]:
    """Write a trail until the block is left; without a sink there is none."""
    if sink is None:
        yield NoTrail()
        return
    trail = AuditTrail(sink, clock)
    trail.start()
    try:
        yield trail
    finally:
        await asyncio.to_thread(trail.close)
