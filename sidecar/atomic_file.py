"""Writing a file so that a reader sees the old content or the new one, never a part."""

import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import Final

# The name of a temporary file, and in it that of its target. One stays when its writer is killed.
TEMPORARY: Final = re.compile(r"\.(.+)\.[0-9a-f]{12}")


def write_atomically(
    path: Path, content: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Replace `path` by `content` in one step, durable when this returns.

    A temporary file is made beside the target (exclusively, so a planted name is refused), given
    its owner (uid and gid), where one is given, and then its mode, before its first byte, flushed
    to disk and renamed over the target; a symlink at the target is replaced, not followed.

    Raises:
        OSError: the directory is missing, not writable or full; the old file is untouched then. Or
            the directory cannot be flushed: the new file is there, but a crash may undo it.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    # Whoever opens it before it has its owner could read what is written to it later.
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - rename(2) by its name
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the renames in a directory durable.

    Raises:
        OSError: it cannot be read, which it must be for this, or flushed.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
