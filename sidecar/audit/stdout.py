"""The trail on stdout, where a collector of container logs takes it."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from sidecar.audit.ending import Batch, Ending, Written, after, as_bytes, composed, outcome
from sidecar.audit.line import LONGEST_LINE
from sidecar.audit.sink import write_all

_PATIENCE_SECONDS: Final = 1.0
_CLOSED: Final = -1


class Stdout:
    """Writes lines to stdout, in pieces that a pipe takes whole or not at all.

    It is asked whether it has room first, so that a reader who does not read is an error here, and
    no write that never returns.

    Args:
        descriptor: where to write in its place; it is closed with this.
        chained: whether each line holds the hash of the one before.
        patience_seconds: how long room is waited for.

    """

    name = "stdout"

    def __init__(
        self,
        descriptor: int | None = None,
        *,
        chained: bool = False,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._descriptor = _stdout() if descriptor is None else descriptor
        self._chained = chained
        self._patience_seconds = patience_seconds
        self._ending = Ending()

    def write(self, batch: Batch) -> Written:
        """Write as much of a batch as there is room for."""
        lines = composed(self._ending, batch, chained=self._chained)
        done = 0
        failure: OSError | None = None
        for piece in _pieces(lines):
            whole, failure = self._write(piece)
            done += whole
            if failure is not None:
                break
        return outcome(batch, lines, done, failure)

    def close(self) -> None:
        """Close this descriptor; that of the process stays open."""
        if self._descriptor != _CLOSED:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = _CLOSED

    def _write(self, lines: Sequence[bytes]) -> tuple[int, OSError | None]:
        if not self._has_room():
            return 0, TimeoutError("nobody reads it")
        count, failure = write_all(self._descriptor, as_bytes(self._ending, lines))
        self._ending, whole = after(self._ending, lines, count)
        return whole, failure

    def _has_room(self) -> bool:
        if self._descriptor == _CLOSED:
            return True  # the write will say what is wrong
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(self._patience_seconds * 1000))


def _stdout() -> int:
    """Give a descriptor of its own; a number that stdout has left may be anything by now."""
    if sys.__stdout__ is None:
        return _CLOSED
    return os.dup(sys.__stdout__.fileno())


def _pieces(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Divide lines so that each piece, with two newlines more, fits into the longest line."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        if piece and size + len(line) + 1 >= LONGEST_LINE:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line) + 1
    if piece:
        yield piece
