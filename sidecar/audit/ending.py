"""How a trail ends, and what may be written after it: every decision of the writer, without I/O.

A write may stop anywhere: the disk is full, the process is killed. What it leaves is never cut off
again, which an append-only file would not allow. The next line begins on a line of its own, says
``torn`` with the digest of what was left, and is linked to the last whole line.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sidecar.audit.chain import GENESIS, digest, folded, link_of, linked
from sidecar.audit.line import rendered_loss


@dataclass(frozen=True, slots=True)
class Ending:
    """How what has been written so far ends.

    Args:
        head: the hash of the last whole line.
        torn: the digest of what stands after that; empty for nothing.
        mid_line: whether a newline must come first.

    """

    head: str = GENESIS
    torn: str = ""
    mid_line: bool = False

    def in_a_new_file(self) -> "Ending":
        """Give the same for a file that is empty."""
        return replace(self, mid_line=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be written at once.

    Args:
        lines: the lines of events, neither linked nor ended.
        dropped: how many events before them were lost.
        now: when that is noted.

    """

    lines: Sequence[bytes]
    dropped: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """How much of a batch is in the trail.

    Args:
        lines: how many of its lines, whole.
        told: whether its loss is noted.
        failure: why it was not more.

    """

    lines: int
    told: bool
    failure: OSError | None = None


def ending_of(tail: bytes, *, whole: bool, before: Callable[[], Ending] = Ending) -> Ending:
    """Find out how a chained file ends.

    Args:
        tail: its last bytes.
        whole: whether these are all of it; otherwise the first of their lines is only a part.
        before: gives how the file before it ends.

    """
    mid_line = not tail.endswith(b"\n")
    lines = tail.removesuffix(b"\n").split(b"\n")[0 if whole else 1 :]
    torn: list[bytes] = []
    for line in reversed(lines):
        if link_of(line) is not None:
            return Ending(digest(line), _all_folded("", reversed(torn)), mid_line)
        torn.append(line)
    previous = before() if whole else Ending()
    if previous != Ending():
        return Ending(previous.head, _all_folded(previous.torn, lines), mid_line)
    # Nothing is chained yet: what is there is followed as it is.
    return Ending(digest(lines[-1]) if lines else GENESIS, "", mid_line)


def composed(ending: Ending, batch: Batch, *, chained: bool) -> list[bytes]:
    """Give the lines of a batch as they are to be written, each without its newline."""
    torn = ending.torn if chained else ""
    noted = [rendered_loss(batch.now, batch.dropped, torn)] if batch.dropped or torn else []
    bodies = [*noted, *batch.lines]
    return list(_chain(bodies, ending.head)) if chained else bodies


def as_bytes(ending: Ending, lines: Sequence[bytes]) -> bytes:
    """Give what is handed to the kernel."""
    return b"\n" * ending.mid_line + b"".join(line + b"\n" for line in lines)


def after(ending: Ending, lines: Sequence[bytes], count: int) -> tuple[Ending, int]:
    """Give the new ending, and how many lines are whole, once so many bytes were written."""
    if count and ending.mid_line:
        ending, count = ending.in_a_new_file(), count - 1
    for number, line in enumerate(lines):
        if not count:
            return ending, number
        if count < len(line):
            return Ending(ending.head, folded(ending.torn, line[:count]), mid_line=True), number
        ending = Ending(digest(line), mid_line=count == len(line))
        count = max(count - len(line) - 1, 0)
    return ending, len(lines)


def outcome(batch: Batch, lines: Sequence[bytes], whole: int, failure: OSError | None) -> Written:
    """Say what of a batch is written, from how many of its composed lines are."""
    notes = len(lines) - len(batch.lines)
    return Written(max(whole - notes, 0), told=whole >= notes, failure=failure)


def _chain(bodies: Sequence[bytes], head: str) -> Iterator[bytes]:
    for body in bodies:
        line = linked(body, head)
        yield line
        head = digest(line)


def _all_folded(torn: str, fragments: Iterable[bytes]) -> str:
    for fragment in fragments:
        torn = folded(torn, fragment)
    return torn
