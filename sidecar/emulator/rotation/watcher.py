"""Looks now and then whether a rotation is due, and at once when service time is moved."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

_EVERY_SECONDS: Final = 1.0


class Watcher:
    """A thread that looks every second; the machine's time passes without telling anybody."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._stopped = Event()
        self._thread = Thread(target=self._watch, name="rotation-watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(_EVERY_SECONDS):
            self._look()
