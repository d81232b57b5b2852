"""A notice as the message of a Slack incoming webhook."""

from collections.abc import Iterator, Sequence
from typing import Final

from sidecar.clock import iso_seconds
from sidecar.notice import Notice
from sidecar.notify.chat import SIGNS
from sidecar.notify.mrkdwn import escaped
from sidecar.notify.presentable import as_json, presentable, title

# Block Kit reference: a section's text, its fields, and how long each of these may be.
_LONGEST_TEXT: Final = 3000
_MOST_FIELDS: Final = 10
_LONGEST_FIELD: Final = 2000
_NAME_LENGTH: Final = 400

_Block = dict[str, object]


def message(notice: Notice) -> bytes:
    """Write the body; ``text`` is what a notification on a telephone shows.

    Source: Slack's "Sending messages using incoming webhooks" and the reference of Block Kit.
    """
    shown = presentable(notice)
    heading = f"{SIGNS[shown.severity]} *{title(shown.kind)}*"
    sentence = escaped(shown.sentence, _LONGEST_TEXT - len(heading) - 1)
    about = " · ".join(filter(None, (iso_seconds(shown.at), escaped(shown.thread, _LONGEST_FIELD))))
    blocks: list[_Block] = [
        {"type": "section", "text": _markup(f"{heading}\n{sentence}")},
        *_fields([_field(*fact) for fact in shown.facts.items()]),
        {"type": "context", "elements": [_markup(about)]},
    ]
    text = escaped(f"{title(shown.kind)}: {shown.sentence}", _LONGEST_TEXT)
    return as_json({"text": text, "blocks": blocks}).encode("ascii")


def _field(name: str, value: str) -> dict[str, object]:
    room = _LONGEST_FIELD - _NAME_LENGTH - 3
    return _markup(f"*{escaped(name, _NAME_LENGTH)}*\n{escaped(value, room) or '-'}")


def _fields(fields: Sequence[_Block]) -> Iterator[_Block]:
    for start in range(0, len(fields), _MOST_FIELDS):
        yield {"type": "section", "fields": fields[start : start + _MOST_FIELDS]}


def _markup(text: str) -> _Block:
    """Give text of which no name and no address is made a mention or a link."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
