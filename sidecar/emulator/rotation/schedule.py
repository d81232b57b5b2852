"""When a secret is due, kept on moto's secret beside what moto itself keeps of rotation.

`rotation_rules` are as RotateSecret was given them. `rotation_due` is when the emulator starts the
next rotation: DescribeSecret's date, or later when that rotation has failed.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sidecar.emulator.rotation.rules import next_rotation

# How long AWS waits is not documented.
_AFTER_A_FAILURE: Final = timedelta(days=1)


def plan(secret: Any, after: datetime) -> None:
    """Set the next date by the rules; none when the secret does not rotate by itself."""
    rules = getattr(secret, "rotation_rules", {})
    moment = next_rotation(rules, after) if secret.rotation_enabled else None
    secret.rotation_due = moment
    secret.next_rotation_date = None if moment is None else int(moment.timestamp())


def is_due(secret: Any, now: datetime) -> bool:
    """Whether a rotation is to be started by the schedule."""
    due: datetime | None = getattr(secret, "rotation_due", None)
    return due is not None and due <= now and not secret.is_deleted()


def postpone(secret: Any, now: datetime) -> None:
    """Look again only later; success sets the date anew before, and failure leaves it past."""
    secret.rotation_due = now + _AFTER_A_FAILURE
