"""When the next rotation is due, of what is known from the secret alone."""

from datetime import datetime, timedelta
from typing import Final

from sidecar.rotation.schedule import Schedule

# Where a window is long, its rotations begin within its first part.
_BEGINS_WITHIN: Final = timedelta(minutes=30)


def next_rotation(
    schedule: Schedule, rotated_at: datetime | None, now: datetime, *, spread: float
) -> datetime:
    """Tell when to rotate: in the first window after the last rotation, or now if that is past.

    However many windows were missed, one rotation makes up for them.

    Args:
        schedule: the schedule.
        rotated_at: when the current key was stored; None where there is none yet.
        now: the moment.
        spread: from 0 up to 1; where in the window, so that sidecars which keep one secret differ.

    """
    if rotated_at is None:
        return now
    window = schedule.next_window(rotated_at, since=rotated_at)
    longest = min(_BEGINS_WITHIN, window.end - window.start)
    return max(now, window.start + spread * longest)
