"""The emulator's two times: the machine's own, and one that can be moved to let things expire."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from sidecar.clock import Clock, SystemClock


class ServiceClock:
    """Service time = the base clock + an offset; wire time = the machine's clock, never moved.

    Service time decides whether sessions and certificates have expired and stamps what is created.
    Wire time decides whether a request's date is too far off: clients sign with their own clock,
    and a test that moves service time must not make every client look skewed.
    """

    def __init__(self, base: Clock | None = None) -> None:
        self._base = base or SystemClock()
        self._machine = SystemClock()
        self._offset = timedelta()
        self._followers: list[Callable[[], None]] = []
        self._lock = Lock()

    def now(self) -> datetime:
        """Service time in UTC."""
        with self._lock:
            return (self._base.now() + self._offset).astimezone(UTC)

    def wire_now(self) -> datetime:
        """The machine's time in UTC."""
        return self._machine.now()

    @property
    def offset_seconds(self) -> float:
        """How far service time is ahead of its base clock."""
        with self._lock:
            return self._offset.total_seconds()

    def move_to_offset(self, seconds: float) -> None:
        """Set service time `seconds` ahead of (negative: behind) its base clock."""
        with self._lock:
            self._offset = timedelta(seconds=seconds)
        for follow in self._followers:
            follow()

    def on_move(self, follow: Callable[[], None]) -> None:
        """Call this whenever the time has been moved, before the mover goes on."""
        self._followers.append(follow)
