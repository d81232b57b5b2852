"""Work that goes on in threads of its own: in order within a lane, and no lane waits for another.

A receiver that hangs holds up nobody but itself, and no thread is left when there is nothing to do.
"""

import logging
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Final

_log = logging.getLogger(__name__)

_LONGEST: Final = 1000

Work = Callable[[], None]


class Lanes:
    """Queues of work by name; each has a thread for as long as it is not empty."""

    def __init__(self) -> None:
        self._lanes: dict[str, deque[Work]] = {}
        self._changed = Condition()
        self._stopped = False

    def add(self, lane: str, work: Work) -> bool:
        """Do this after whatever else is in the lane; False when there is no room for it."""
        with self._changed:
            if self._stopped:
                return False
            waiting = self._lanes.get(lane)
            if waiting is None:
                self._lanes[lane] = deque([work])
                Thread(target=self._run, args=(lane,), name="events", daemon=True).start()
                return True
            if len(waiting) >= _LONGEST:
                return False
            waiting.append(work)
            return True

    def wait(self, timeout_seconds: float) -> None:
        """Return once nothing is left to do.

        Raises:
            TimeoutError: something still is.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._lanes, timeout_seconds):
                raise TimeoutError(f"still delivering after {timeout_seconds} seconds")

    def stop(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._stopped = True
            for waiting in self._lanes.values():
                waiting.clear()

    def _run(self, lane: str) -> None:
        while work := self._next(lane):
            try:
                work()
            except Exception:  # noqa: BLE001 - it is logged, and the next one is not to blame
                _log.exception("an event's delivery failed")

    def _next(self, lane: str) -> Work | None:
        with self._changed:
            if waiting := self._lanes[lane]:
                return waiting.popleft()
            del self._lanes[lane]
            self._changed.notify_all()
            return None
