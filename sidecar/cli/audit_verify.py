"""Check that nothing of a chained audit trail was changed, removed, added or moved.

Files are given oldest first. The first line that does not follow what stands before it is named,
and the exit code is 1. Nobody can see from the files alone that lines are missing at the end, that
the last one was changed, or that all of them were written anew: keep the last hash elsewhere, and
give it by --expect. With --from-stdout the files are logs in which a container engine or systemd
has collected stdout: each start of the sidecar begins a chain there, and other lines are passed
over. Lines that are missing before a new start are missing at an end, and cannot be seen either.
"""

import argparse
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final

from sidecar.audit.line import LONGEST_LINE
from sidecar.audit.rotation import with_old_files
from sidecar.audit.verification import (
    Account,
    BrokenTrail,
    CollectedVerification,
    Place,
    Verification,
)
from sidecar.cli.one_line import one_line
from sidecar.errors import OperatorError

EXAMPLE: Final = "sidecar audit verify --rotated /var/log/sidecar/audit.jsonl"

_HASH: Final = re.compile("[0-9a-f]{64}")
_BUFFER: Final = 1 << 18
_COUNTS: Final = ("lines", "granted", "denied", "failed", "dropped", "torn")
_OF_FILES: Final = (*_COUNTS, "unchained")
_OF_STDOUT: Final = (*_COUNTS, "starts", "other")
# Stands for a line that is too long to be one of a trail.
_CUT: Final = b""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="oldest first")
    parser.add_argument(
        "--rotated",
        action="store_true",
        help="take the old files of the one FILE too: FILE.N … FILE.1, FILE",
    )
    parser.add_argument(
        "--from-stdout",
        action="store_true",
        help="the files were collected from stdout: a chain for each start, and other lines",
    )
    parser.add_argument(
        "--expect", type=_hash, metavar="HASH", help="the hash that the last line must have"
    )
    parser.add_argument(
        "--after",
        type=_hash,
        metavar="HASH",
        help="the hash that the first line must follow; 64 zeros where it is the first of all",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check the files, and print what they come to."""
    if arguments.rotated and len(arguments.files) > 1:
        raise OperatorError(
            f"--rotated takes one file, not {len(arguments.files)}",
            hint="name the file that is written to; the others are found by their numbers",
        )
    collected = arguments.from_stdout
    verification = (CollectedVerification if collected else Verification)(arguments.after)
    with ExitStack() as stack:
        opened = _rotated(arguments.files[0], stack) if arguments.rotated else None
        for path, file in opened or _one_by_one(arguments.files):
            for place, line in _lines(path, file, any_length=collected):
                verification.take(line, place)
    verification.end(arguments.expect)
    print(*_told(verification.account, _OF_STDOUT if collected else _OF_FILES), sep="\n")
    return 0


def _hash(said: str) -> str:
    if not _HASH.fullmatch(said):
        raise argparse.ArgumentTypeError("must be 64 hexadecimal digits in lower case")
    return said


def _one_by_one(paths: Sequence[Path]) -> Iterator[tuple[Path, BinaryIO]]:
    for path in paths:
        with _opened(path) as file:
            yield path, file


def _rotated(path: Path, stack: ExitStack) -> list[tuple[Path, BinaryIO]]:
    """Open a trail's files, the oldest first in the result.

    The youngest is opened first: one that is rotated meanwhile is met twice, and none is missed.
    """
    found: list[tuple[Path, BinaryIO]] = []
    seen: set[tuple[int, int]] = set()
    try:
        paths = with_old_files(path)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    for each in paths:
        # It is not there between a rotation and the next line.
        if each == path and len(paths) > 1 and not os.path.lexists(path):
            continue
        file = stack.enter_context(_opened(each))
        status = os.fstat(file.fileno())
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            found.append((each, file))
    return found[::-1]


def _opened(path: Path) -> BinaryIO:
    """Open a file; a named pipe in its place would be waited for without end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(0, "not a regular file")  # noqa: TRY301 - told like the others
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return open(descriptor, "rb", buffering=_BUFFER)  # noqa: PTH123 - a descriptor has no path


def _unreadable(path: Path, exc: OSError) -> OperatorError:
    return OperatorError(
        f"audit trail {path} cannot be read: {exc.strerror}", hint="name the files of a trail"
    )


def _lines(path: Path, file: BinaryIO, *, any_length: bool) -> Iterator[tuple[Place, bytes]]:
    """Give the lines of a file; the end of a file ends its last line.

    One that is longer than those of a trail, and may be, is given as an empty one.
    """
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        place = Place(str(path), number)
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            if any_length:
                _skip(file)
                yield place, _CUT
                continue
            raise BrokenTrail(
                f"{place}: is longer than any line of a trail",
                hint="it has been changed or added, or the file is none of a trail",
            )
        yield place, line.removesuffix(b"\n")


def _skip(file: BinaryIO) -> None:
    """Read on to the end of a line."""
    while (part := file.readline(_BUFFER)) and not part.endswith(b"\n"):
        pass


def _told(account: Account, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield f"{name}\t{getattr(account, name)}"
    yield f"first\t{one_line(account.first)}"
    yield f"last\t{one_line(account.last)}"
    yield f"follows\t{account.follows}"
    yield f"hash\t{account.head}"
