"""The trail in a file, which several sidecars may share and others may move away."""

import contextlib
import errno
import fcntl
import logging
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sidecar.audit.ending import (
    Batch,
    Ending,
    Written,
    after,
    as_bytes,
    composed,
    ending_of,
    outcome,
)
from sidecar.audit.line import LONGEST_LINE
from sidecar.audit.rotation import predecessor, rotate
from sidecar.audit.sink import write_all

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FLAGS_TO_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TAIL: Final = 8 * LONGEST_LINE
# How much longer a file gets, in bytes, before rotating it is tried again.
_GRACE: Final = 1 << 20
# How many times the file may be moved away in a row while it is waited for.
_ATTEMPTS: Final = 1000
# Other sidecars hold the lock for some milliseconds.
_PATIENCE_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.005

log = logging.getLogger(__name__)


class TrailFile:
    """Appends lines to a file, rotates it, and opens it anew when somebody has moved it away.

    The file is locked while a batch is written, so that several processes can keep one chain. How
    it ends is read from it whenever it is not as this has left it.

    Args:
        path: the file; a symlink in its place is refused.
        chained: whether each line holds the hash of the one before.
        longest: how many bytes it may hold before it is rotated.
        keep: how many old files are kept.

    """

    def __init__(self, path: Path, *, chained: bool, longest: int, keep: int) -> None:
        self.name = str(path)
        self._path = path
        self._chained = chained
        self._longest, self._keep = longest, keep
        self._grace = 0
        self._descriptor: int | None = None
        # How the file ends while it is so long; None before it was looked at.
        self._ending: Ending | None = None
        self._size = 0
        # What the file looked like that was left for one that has not been written to yet.
        self._left: os.stat_result | None = None

    def open(self) -> None:
        """Open the file, so that what is wrong with it is known at once.

        Raises:
            OSError: it cannot be opened, or is something else than a file.

        """
        self._descriptor = open_trail(self._path)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def write(self, batch: Batch) -> Written:
        """Append a batch, to a new file if this one is full."""
        try:
            return self._append(self._locked(), batch)
        except OSError as exc:
            return Written(0, told=False, failure=exc)
        finally:
            if self._descriptor is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _append(self, descriptor: int, batch: Batch) -> Written:
        size, ending = self._end(descriptor)
        lines = composed(ending, batch, chained=self._chained)
        content = as_bytes(ending, lines)
        if size and size + len(content) > self._longest + self._grace and self._rotated(size):
            self._leave(descriptor, ending)
            # Somebody else may have been quicker to write to the new file.
            return self._append(self._locked(), batch)
        count, failure = write_all(descriptor, content)
        self._ending, whole = after(ending, lines, count)
        self._size = os.fstat(descriptor).st_size
        self._left = None
        return outcome(batch, lines, whole, failure)

    def _locked(self) -> int:
        """Lock the file that has the name at this moment."""
        for _ in range(_ATTEMPTS):
            if self._descriptor is None:
                self.open()
            descriptor = self._descriptor
            assert descriptor is not None  # noqa: S101 - for the type checker
            self._lock(descriptor)
            if _has_name(descriptor, self._path):
                return descriptor
            # Moved away; others may have written to it, and what follows is linked to that.
            self._leave(descriptor, self._end(descriptor)[1])
        raise OSError(errno.ESTALE, "is another file each time", self.name)

    def _lock(self, descriptor: int) -> None:
        """Wait for the lock, but not for ever: whoever may only read the file can hold it too."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise OSError(
                        errno.EAGAIN, "another process holds its lock", self.name
                    ) from None
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def _leave(self, descriptor: int, ending: Ending) -> None:
        """Leave this file for one that follows it."""
        status = os.fstat(descriptor)
        if status.st_size:  # nothing follows a file in which there is nothing
            self._left = status
        self._ending, self._size = ending, 0
        self.close()

    def _end(self, descriptor: int) -> tuple[int, Ending]:
        """Give how long the file is and how it ends; what is known is not read again."""
        size = os.fstat(descriptor).st_size
        if not size:
            return 0, self._before().in_a_new_file()
        if self._ending is not None and size == self._size:
            return size, self._ending
        return size, self._read_end(descriptor, size, self._end_of_predecessor)

    def _before(self) -> Ending:
        """Say what a file follows in which there is nothing yet, or of which all was removed."""
        if self._ending is None or self._was_overtaken():
            return self._end_of_predecessor()
        return self._ending

    def _was_overtaken(self) -> bool:
        """Whether others have filled a file, and left it, since this one left its own."""
        if self._left is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            old = predecessor(self._path).lstat()
            is_later = old.st_mtime_ns >= self._left.st_mtime_ns
            return is_later and not os.path.samestat(old, self._left)
        return False

    def _end_of_predecessor(self) -> Ending:
        old = predecessor(self._path)
        try:
            descriptor = os.open(old, _FLAGS_TO_READ)
            try:
                size = os.fstat(descriptor).st_size
                return self._read_end(descriptor, size, Ending) if size else Ending()
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return Ending()
        except OSError as exc:
            log.warning("audit trail %s: begins anew: %s cannot be read: %s", self.name, old, exc)
            return Ending()

    def _read_end(self, descriptor: int, size: int, before: Callable[[], Ending]) -> Ending:
        if not self._chained:
            return Ending(mid_line=os.pread(descriptor, 1, size - 1) != b"\n")
        start = max(size - _TAIL, 0)
        ending = ending_of(os.pread(descriptor, _TAIL, start), whole=not start, before=before)
        if ending.torn:
            log.warning("audit trail %s: its last line is torn; the next one says so", self.name)
        return ending

    def _rotated(self, size: int) -> bool:
        """Rotate; where that fails, the file grows on."""
        try:
            rotate(self._path, self._keep)
        except OSError as exc:
            if not self._grace:
                log.warning("audit trail %s: cannot be rotated, and grows: %s", self.name, exc)
            self._grace = size - self._longest + _GRACE
            return False
        self._grace = 0
        return True


def open_trail(path: Path, *, create: bool = True) -> int:
    """Open a trail's file, to read and to append.

    Raises:
        OSError: it cannot be opened, or is something else than a file.

    """
    descriptor = os.open(path, _FLAGS | (os.O_CREAT if create else 0), 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return descriptor


def _has_name(descriptor: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    return False
