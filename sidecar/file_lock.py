"""A lock between processes, which the kernel gives back however its holder ends."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PAUSE_SECONDS: Final = 0.02
_ROOT: Final = 0


@contextlib.contextmanager
def locked(path: Path, *, patience_seconds: float) -> Iterator[None]:
    """Hold the exclusive lock on a file of its own, which is made and stays there, empty.

    One that root makes belongs to the owner of the directory, who could not open it otherwise.

    Args:
        path: the lock file; a symlink in its place is refused.
        patience_seconds: how long to wait for another holder.

    Raises:
        OSError: the file cannot be opened, or (EAGAIN) the other holder has outlasted the patience.

    """
    descriptor = _opened(path)
    try:
        deadline = time.monotonic() + patience_seconds
        while not _taken(descriptor):
            if time.monotonic() >= deadline:
                raise OSError(errno.EAGAIN, "another process holds the lock", str(path))
            time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        # Only what is certainly new is given away: a name that was there may be a planted link.
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    # In a container root may lack the right to; the lock works all the same.
    with contextlib.suppress(OSError):
        if os.geteuid() == _ROOT:
            directory = path.parent.stat()
            os.fchown(descriptor, directory.st_uid, directory.st_gid)
    return descriptor


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
