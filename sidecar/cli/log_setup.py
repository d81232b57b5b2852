"""Log lines on stderr: one event a line, whatever the event's text holds."""

import logging
import sys
import time


class _OneLine(logging.Formatter):
    """Escapes control characters, so that remote text cannot forge a line or move a cursor."""

    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        line = super().formatMessage(record)
        return line if line.isprintable() else "".join(map(_visible, line))


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


def _visible(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]
