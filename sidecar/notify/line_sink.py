"""Notices as lines, in a file that is rotated as the audit's is, or on stdout."""

from collections.abc import Callable
from functools import partial

from sidecar.audit.ending import Batch
from sidecar.audit.sink import Sink
from sidecar.aws.daemon_threads import DaemonThreads
from sidecar.clock import Clock
from sidecar.errors import OperatorError
from sidecar.notice import Notice


class NotWritten(OperatorError):
    """A line could not be written, such as to a full disk; that may pass."""

    retryable = True


class LineSink:
    """Writes one line a notice, in a thread.

    Args:
        sink: what takes lines.
        render: makes a line of a notice, without its newline.
        clock: the wall clock.

    """

    def __init__(self, sink: Sink, render: Callable[[Notice], bytes], clock: Clock) -> None:
        self._sink, self._render, self._clock = sink, render, clock
        # One at a time, also when nobody waits for the last one any more: sinks are written to by
        # one thread, and a disk that hangs would hold one more at each attempt.
        self._threads = DaemonThreads(1)

    async def send(self, notice: Notice) -> None:
        """Write it once.

        Raises:
            NotWritten: it could not be written.

        """
        batch = Batch((self._render(notice),), 0, self._clock.now())
        written = await self._threads.run(partial(self._sink.write, batch))
        if written.failure is not None:
            why = written.failure.strerror or str(written.failure)
            raise NotWritten(f"{self._sink.name} cannot be written: {why}")
