"""Log lines on stderr: one event a line, whatever the event's text holds."""

import logging
import sys
import time
from typing import Final

from sidecar.cli.one_line import one_line

# How asyncio begins its line; see `BaseSelectorEventLoop._accept_connection`.
_ACCEPT_ERROR: Final = "socket.accept() out of system resource"
_QUIET_SECONDS: Final = 60.0


class _OneLine(logging.Formatter):
    """Escapes control characters, so that remote text cannot forge a line or move a cursor.

    A traceback's own line ends are escaped with the rest, since it quotes such text too.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


class _AcceptErrorsOnceAMinute(logging.Filter):
    """Lets one line a minute through about connections that cannot be accepted.

    While open files run out, asyncio reports every failed attempt, hundreds a second, each with its
    traceback: a local user could fill the disk with them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name != "asyncio" or not record.getMessage().startswith(_ACCEPT_ERROR):
            return True
        if self._last is not None and 0 <= record.created - self._last < _QUIET_SECONDS:
            return False
        self._last = record.created
        return True


def set_up_logging(level: str) -> None:
    """Send this program's log to stderr from `level` up, and others' from warning up.

    Other libraries stay at warning at any level: their debug lines hold whole responses.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_AcceptErrorsOnceAMinute())
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sidecar").setLevel(level.upper())
