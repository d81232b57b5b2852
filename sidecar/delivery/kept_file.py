"""A delivered file in its place: written when it differs from what it should be.

It is replaced as a whole, so that a reader sees the old content or the new one; a symlink in its
place is replaced and never followed.
"""

import hashlib
import os
from dataclasses import dataclass

from sidecar.atomic_file import write_atomically
from sidecar.file_target import Target
from sidecar.redaction import Secret
from sidecar.regular_file import read_regular_file


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written last, and what it looked like then."""

    digest: bytes
    status: os.stat_result

    def still_holds(self, now: os.stat_result) -> bool:
        """Whether it is the same file, and nobody has written to it."""
        return _content_marks(now) == _content_marks(self.status)

    def is_untouched(self, now: os.stat_result) -> bool:
        """Whether nobody has changed its mode or owner either."""
        return self.still_holds(now) and _other_marks(now) == _other_marks(self.status)


class KeptFile:
    """The file, and what is known of it from the last writing.

    One that cannot be read back is known by what it looked like: a sidecar that may give files away
    but is not root cannot read what another user alone may read.

    Args:
        target: where it is written, and its mode and owner.

    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._written: _Written | None = None
        self._owed = False

    def bring_up_to_date(self, content: Secret) -> bool:
        """Write the file unless it is there with this content, mode and owner.

        Returns:
            Whether its content has changed since this was last said: by this call, or by one before
            that failed, since the new content may have been in place by then.

        Raises:
            OSError: it cannot be written; see `write_atomically` for what is there then.

        """
        wanted = content.encoded()
        digest = hashlib.sha256(wanted).digest()
        same, right = self._compared(wanted, digest)
        if not right:
            self._owed = self._owed or not same
            target = self._target
            write_atomically(target.path, wanted, mode=target.mode, owner=target.owner)
            self._written = _Written(digest, target.path.lstat())
        changed, self._owed = self._owed, False
        return changed

    def _compared(self, wanted: bytes, digest: bytes) -> tuple[bool, bool]:
        """Say whether it holds this, and whether it needs no writing at all."""
        path = self._target.path
        last = self._written if self._written and self._written.digest == digest else None
        try:
            status = path.lstat()
            untouched = last is not None and last.is_untouched(status)
            try:
                there, status = read_regular_file(path, len(wanted) + 1, follow=False)
            except PermissionError:
                return last is not None and last.still_holds(status), untouched
            # Some file systems choose the owner: what was written there is as right as it can be.
            same = there == wanted
            return same, same and (untouched or self._target.looks_right(status))
        except OSError:  # missing, or no regular file
            return False, False


def _content_marks(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _other_marks(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_mode, status.st_uid, status.st_gid, status.st_ctime_ns)
