"""How a sink stands: what arrived, what was lost, since when and why, for whoever looks at it."""

from dataclasses import dataclass
from datetime import datetime

from sidecar.errors import SidecarError


@dataclass(frozen=True, slots=True)
class Standing:
    """How a sink stands.

    Args:
        sent: how many notices arrived.
        failed: how many were given up.
        dropped: how many found the queue full, or were left over at the end.
        queued: how many wait, the one that is being sent included.
        trouble: why the last attempt failed; None: it did not.
        trouble_since: since when every attempt failed; None: the last one did not.
        last_sent: when one arrived last; None: none ever did.
        lost_since: when the first of those was lost that were given up or dropped; None: none was.
        lost_because: why the last of them was.

    """

    sent: int
    failed: int
    dropped: int
    queued: int
    trouble: str | None
    trouble_since: datetime | None
    last_sent: datetime | None
    lost_since: datetime | None
    lost_because: str | None


@dataclass(slots=True)
class Tally:
    """Counts what becomes of a sink's notices."""

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    trouble: SidecarError | None = None
    _trouble_since: datetime | None = None
    _last_sent: datetime | None = None
    _lost_since: datetime | None = None
    _lost_because: str | None = None

    def arrived(self, now: datetime) -> None:
        """Count one that arrived."""
        self.sent += 1
        self._last_sent = now
        self.trouble = self._trouble_since = None

    def not_sent(self, trouble: SidecarError, now: datetime) -> None:
        """Note an attempt that failed; others may follow."""
        self.trouble = trouble
        self._trouble_since = self._trouble_since or now

    def given_up(self, now: datetime) -> None:
        """Count one that is not tried again."""
        self.failed += 1
        self._lost("too old" if self.trouble is None else self.trouble.message, now)

    def drop(self, count: int, because: str, now: datetime) -> None:
        """Count some that were never tried."""
        self.dropped += count
        self._lost(because, now)

    def standing(self, queued: int) -> Standing:
        """Say how it stands while so many wait."""
        return Standing(
            self.sent,
            self.failed,
            self.dropped,
            queued,
            None if self.trouble is None else self.trouble.message,
            self._trouble_since,
            self._last_sent,
            self._lost_since,
            self._lost_because,
        )

    def _lost(self, because: str, now: datetime) -> None:
        self._lost_since = self._lost_since or now
        self._lost_because = because
