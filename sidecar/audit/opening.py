"""From the name of a destination to what takes its lines."""

import errno
import os
from pathlib import Path
from typing import Final

from sidecar.audit.sink import Sink
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail_file import TrailFile, open_trail
from sidecar.errors import OperatorError

_PASSES_BY_ITSELF: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def check_destination(path: Path) -> None:
    """See that a trail can be kept in a file, without making it.

    Raises:
        OperatorError: it cannot.

    """
    try:
        if os.path.lexists(path):
            os.close(open_trail(path, create=False))
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            reason = errno.EACCES if path.parent.is_dir() else errno.ENOENT
            raise OSError(reason, os.strerror(reason))  # noqa: TRY301 - told like the others
    except OSError as exc:
        raise _refused(path, exc) from exc


def opened_sink(destination: str | Path, *, chained: bool, longest: int, keep: int) -> Sink | None:
    """Open a trail's destination.

    Args:
        destination: a file, ``stdout``, or ``off`` for none.
        chained: whether each line holds the hash of the one before.
        longest: how many bytes a file may hold before it is rotated.
        keep: how many old files are kept.

    Raises:
        OperatorError: the file cannot be opened; one that a full disk keeps from being made is
            tried again when the first event comes.

    """
    if not isinstance(destination, Path):
        return Stdout(chained=chained) if destination == "stdout" else None
    file = TrailFile(destination, chained=chained, longest=longest, keep=keep)
    try:
        file.open()
    except OSError as exc:
        if exc.errno not in _PASSES_BY_ITSELF:
            raise _refused(destination, exc) from exc
    return file


def _refused(path: Path, exc: OSError) -> OperatorError:
    return OperatorError(
        f"audit trail {path} cannot be opened: {exc.strerror}",
        hint="its directory must exist; it must be a file, no symlink, that this user may write to",
    )
