"""From the name of a destination to what takes its lines."""

import errno
import os
from pathlib import Path
from typing import Final, Protocol

from sidecar.audit.sink import Sink
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail_file import TrailFile, open_trail
from sidecar.errors import OperatorError

_TRAIL: Final = "audit trail"
_PASSES_BY_ITSELF: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def check_destination(path: Path, what: str = _TRAIL) -> None:
    """See that a trail can be kept in a file, without making it.

    Args:
        path: the file.
        what: what an error calls it.

    Raises:
        OperatorError: it cannot.

    """
    try:
        if os.path.lexists(path):
            os.close(open_trail(path, create=False))
        elif not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=True):
            reason = errno.EACCES if path.parent.is_dir() else errno.ENOENT
            raise OSError(reason, os.strerror(reason))  # noqa: TRY301 - told like the others
    except OSError as exc:
        raise _refused(path, exc, what) from exc


class Options(Protocol):
    """What is configured, for a file or for stdout."""

    @property
    def destination(self) -> str | Path:
        """A file, ``stdout``, or ``off``."""
        ...

    @property
    def max_megabytes(self) -> int:
        """How much a file may hold, in MiB, before it is rotated."""
        ...

    @property
    def keep(self) -> int:
        """How many old files are kept."""
        ...

    @property
    def chain(self) -> bool:
        """Whether each line holds the hash of the one before."""
        ...


def opened_sink(options: Options) -> Sink | None:
    """Open a trail's destination; None where there is none.

    Raises:
        OperatorError: the file cannot be opened; one that a full disk keeps from being made is
            tried again when the first event comes.

    """
    path = options.destination
    if not isinstance(path, Path):
        return Stdout(chained=options.chain) if path == "stdout" else None
    longest = options.max_megabytes << 20
    file = TrailFile(path, chained=options.chain, longest=longest, keep=options.keep)
    try:
        file.open()
    except OSError as exc:
        if exc.errno not in _PASSES_BY_ITSELF:
            raise _refused(path, exc) from exc
    return file


def _refused(path: Path, exc: OSError, what: str = _TRAIL) -> OperatorError:
    return OperatorError(
        f"{what} {path} cannot be opened: {exc.strerror}",
        hint="its directory must exist; it must be a file, no symlink, that this user may write to",
    )
