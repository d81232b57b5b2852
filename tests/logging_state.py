"""What a command does to the process's logging is undone, so that the next test has its own."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Give a block after which the root's and the sidecar's loggers are as before."""
    root, ours = logging.getLogger(), logging.getLogger("sidecar")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
