"""When a rotation is due and a value must be looked at often: pure decisions."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sidecar.aws.secret import SecretDescription

CURRENT: Final = "AWSCURRENT"

# NextRotationDate is the latest moment: the rotation happens in a window before it. Windows are not
# longer than a day, and by default as long as that for schedules in days.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
_LONGEST_WINDOW: Final = timedelta(days=1)
# A rotation that failed is tried again, and the events of one that worked may be lost.
_LONGEST_DELAY: Final = timedelta(hours=4)
# Schedules in hours have shorter windows; one must have closed before the next opens.
_WINDOW_SHARE: Final = 1 / 2
_DELAY_SHARE: Final = 1 / 4
# How long it is taken for granted that no rotation has been switched on.
_ASK_AGAIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RotationWindow:
    """From when until when a rotation is to be expected."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of one secret.

    Args:
        version_id: the current version, as last read.
        before: the current version when AWS described the secret; another one says that the
            expected rotation has taken place. None while AWS has not been asked.
        window: when the next rotation is due, if any is.
        describe_at: when to ask for a description again; None means at once.

    """

    version_id: str
    before: str | None = None
    window: RotationWindow | None = None
    describe_at: datetime | None = None

    def described(self, description: SecretDescription, now: datetime) -> "Expectation":
        """Take over what AWS told."""
        window = rotation_window(description)
        ahead = window is not None and window.closes > now
        ask_again = window.closes if window is not None and ahead else now + _ASK_AGAIN
        current = current_version(description) or self.version_id
        return Expectation(current, current, window if ahead else None, ask_again)

    def read(self, version_id: str) -> "Expectation":
        """Take over which version AWS gave as the current one."""
        return replace(self, version_id=version_id)

    def must_describe(self, now: datetime) -> bool:
        """Whether AWS must be asked for a description."""
        return self.describe_at is None or now >= self.describe_at

    def is_due(self, now: datetime) -> bool:
        """Whether the rotation may be happening at this moment and has not been seen yet."""
        window = self.window
        return (
            window is not None
            and window.opens <= now < window.closes
            and self.version_id == self.before
        )


def rotation_window(description: SecretDescription) -> RotationWindow | None:
    """Say when the next rotation is to be expected; None when none is.

    AWS tells only when it happens at the latest, so the window is as long as those of AWS may be,
    but no longer than half the time since the last rotation.
    """
    latest = description.next_rotation
    if not description.rotation_enabled or description.deleted is not None or latest is None:
        return None
    ahead, delay = _LONGEST_WINDOW, _LONGEST_DELAY
    last = description.last_rotated
    if last is not None and last < latest:
        ahead = min(ahead, (latest - last) * _WINDOW_SHARE)
        delay = min(delay, (latest - last) * _DELAY_SHARE)
    return RotationWindow(latest - ahead, latest + delay)


def current_version(description: SecretDescription) -> str | None:
    """Find the version that is current by a description."""
    versions = description.version_ids_to_stages.items()
    return next((version for version, stages in versions if CURRENT in stages), None)
