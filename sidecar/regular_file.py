"""Small files: read without waiting for a pipe or filling the memory, and seen to have changed."""

import errno
import os
import stat
from pathlib import Path


def read_regular_file(
    path: Path, limit: int, *, follow: bool = True
) -> tuple[bytes, os.stat_result]:
    """Read up to `limit` bytes of a file; a symlink is followed unless told otherwise.

    A named pipe in the file's place would make an ordinary open wait for a writer, for ever.

    Args:
        path: the file.
        limit: how many bytes at the most.
        follow: whether the path may be a symlink.

    Returns:
        What it holds, and what it looked like at that moment.

    Raises:
        OSError: missing, not readable, or not a regular file.

    """
    link = 0 if follow else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | link)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(limit), status
    finally:
        os.close(descriptor)


def appearance(status: os.stat_result) -> tuple[int, ...]:
    """Give what shows that a file was swapped, renamed, written in place or given new rights."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
