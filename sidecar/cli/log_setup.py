"""Log lines on stderr: one event a line, whatever the event's text holds."""

import logging
import sys
import time

from sidecar.cli.one_line import one_line


class _OneLine(logging.Formatter):
    """Escapes control characters, so that remote text cannot forge a line or move a cursor.

    A traceback's own line ends are escaped with the rest, since it quotes such text too.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


def set_up_logging(level: str) -> None:
    """Send this program's log to stderr from `level` up, and others' from warning up.

    Other libraries stay at warning at any level: their debug lines hold whole responses.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sidecar").setLevel(level.upper())
