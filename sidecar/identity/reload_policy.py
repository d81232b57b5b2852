"""When the files of an identity are read again: pure decisions on what the files look like."""

import math
from dataclasses import dataclass, replace
from typing import Final

# What the files look like from outside. It is compared and never interpreted.
Look = tuple[tuple[int, ...], ...]

LOOK_EVERY_SECONDS: Final = 2.0
# Files that never come to rest are read all the same after this time.
LONGEST_UNREST_SECONDS: Final = 10.0
# A write can leave size and times as they were, if it falls into one tick of the file system's
# clock with the one before it; two seconds is the coarsest tick in use (FAT).
_SECOND_READ_SECONDS: Final = 5.0
_LONGEST_PAUSE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What was read last, and what the files have looked like since.

    Every moment is in seconds of `Clock.elapsed`.

    Args:
        read: what the files looked like when they were last read, before and after it alike.
        reads: how often they were read while they looked like that.
        again_at: when to read them again though they look the same; infinite for never.
        last: what they looked like at the last look.
        changed_at: when they were first seen to look different from `read`; None if they do not.

    """

    read: Look
    reads: int
    again_at: float
    last: Look
    changed_at: float | None = None


def decide(watch: Watch, look: Look, elapsed: float, *, asked: bool) -> tuple[Watch, bool]:
    """Say whether to read the files now.

    A change is read once the files look the same at two looks in a row, so that a replacement of
    several files is mostly over by then. That is a courtesy to the log and not what safety rests
    on: whatever is read must be a whole, matching identity.

    Args:
        watch: what is known.
        look: what the files look like at this moment.
        elapsed: this moment.
        asked: whether somebody asked for it (SIGHUP).

    Returns:
        What is known now, and whether to read.

    """
    if look == watch.read:
        due = asked or elapsed >= watch.again_at
        return replace(watch, last=look, changed_at=None), due
    changed_at = elapsed if watch.changed_at is None else watch.changed_at
    at_rest = look == watch.last or elapsed - changed_at >= LONGEST_UNREST_SECONDS
    return replace(watch, last=look, changed_at=changed_at), asked or at_rest


def after_reading(
    watch: Watch | None, look: Look, elapsed: float, *, good: bool, repeat: bool
) -> Watch:
    """Note a reading, and plan the next one for the case that the files stay as they look.

    What was good is read once more, see above. What was not is tried again ever more rarely: a
    certificate becomes valid with time, and not every file system shows every change.

    Args:
        watch: what was known; None at the first reading.
        look: what the files looked like, before and after the reading alike.
        elapsed: this moment.
        good: whether an identity was found there.
        repeat: whether files that look the same may be read again at all. A token or a TPM counts
            every wrong PIN and locks itself.

    """
    reads = 1 if watch is None or look != watch.read else watch.reads + 1
    pause = math.inf
    if repeat and not good:
        pause = min(_SECOND_READ_SECONDS * 2.0 ** min(reads - 1, 10), _LONGEST_PAUSE_SECONDS)
    elif repeat and reads == 1:
        pause = _SECOND_READ_SECONDS
    return Watch(read=look, reads=reads, again_at=elapsed + pause, last=look)
