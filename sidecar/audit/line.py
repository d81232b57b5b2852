"""One event as one line of JSON, which no caller's text can break, lengthen or colour."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

from sidecar.audit.event import AuditEvent

# With a newline at its end. POSIX lets pipes take so much in one piece at least on Linux
# (PIPE_BUF, pipe(7)), so that a line is never mixed with what others write there.
LONGEST_LINE: Final = 4096
LONGEST_TEXT: Final = 256
# What a chain adds: `,"prev":"<64 digits>"`, and the newline.
_ROOM: Final = LONGEST_LINE - 80
# Every character of a text may take twelve, an emoji's two surrogates.
_CUTS: Final = (LONGEST_TEXT, 64, 16)
_KEYS: Final = (
    "door",
    "action",
    "result",
    "app",
    "token_id",
    "resource",
    "cache",
    "reason",
    "peer",
    "access_key_id",
)

_texts: Final[Callable[[AuditEvent], tuple[str, ...]]] = attrgetter(*_KEYS)
_encoded: Final = json.JSONEncoder(separators=(",", ":")).encode


def rendered(event: AuditEvent) -> bytes:
    """Write an event as one line, without a newline at its end."""
    said = [(key, text) for key, text in zip(_KEYS, _texts(event), strict=True) if text]
    line = b""
    for longest in _CUTS:
        texts = {key: _cut(text, longest) for key, text in said}
        line = _encoded({"time": iso_milliseconds(event.time), **texts}).encode("ascii")
        if len(line) <= _ROOM:
            break
    return line


def rendered_loss(now: datetime, dropped: int, torn: str) -> bytes:
    """Write what is missing at this place.

    Args:
        now: when this is noted.
        dropped: how many events were lost.
        torn: the digest of what was written in part only; empty for nothing.

    """
    loss: dict[str, str | int] = {"time": iso_milliseconds(now)}
    loss |= {"dropped": dropped} if dropped else {}
    loss |= {"torn": torn} if torn else {}
    return _encoded(loss).encode("ascii")


def bounded(event: AuditEvent) -> AuditEvent:
    """Cut what is longer than a line will show, so that events that wait take little memory."""
    if max(map(len, _texts(event))) <= LONGEST_TEXT:
        return event
    texts = zip(_KEYS, _texts(event), strict=True)
    long: dict[str, Any] = {
        key: _cut(text, LONGEST_TEXT) for key, text in texts if len(text) > LONGEST_TEXT
    }
    return replace(event, **long)


def iso_milliseconds(moment: datetime) -> str:
    """Write a moment as ``YYYY-MM-DDTHH:MM:SS.mmmZ``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _cut(text: str, longest: int) -> str:
    """Leave the beginning, and mark that something is missing."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
