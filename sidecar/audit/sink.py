"""Where a trail's lines go, and how a few whole lines are handed to the kernel."""

import os
from typing import Protocol

from sidecar.audit.ending import Batch, Written


class Sink(Protocol):
    """Takes batches of lines, from one thread, and may block in it.

    ``name`` is what the log calls it.
    """

    name: str

    def write(self, batch: Batch) -> Written:
        """Write what can be written; a failure is returned with what was written before it."""
        ...

    def close(self) -> None:
        """Give back what is open."""
        ...


def write_all(descriptor: int, content: bytes) -> tuple[int, OSError | None]:
    """Write until it is done or fails; give how many bytes were taken."""
    count = 0
    try:
        while count < len(content):
            count += os.write(descriptor, content[count:])
    except OSError as exc:
        return count, exc
    return count, None
