"""A notice as it may leave the house: bounded, on one line, and without a whole access key id."""

import hashlib
import json
import re
from dataclasses import replace
from typing import Final

from sidecar.clock import iso_seconds
from sidecar.notice import Kind, Notice
from sidecar.redaction import masked_tail

# What is within these bounds fits into every sink's message, however it is escaped: at most twelve
# bytes a character in JSON, of the 256 KB that EventBridge and SNS take.
LONGEST_SENTENCE: Final = 1000
LONGEST_VALUE: Final = 500
LONGEST_NAME: Final = 64
MOST_FACTS: Final = 24
# The prefixes of access keys and of service bearer tokens in IAM's user guide, "IAM identifiers".
_ACCESS_KEY_ID: Final = re.compile(r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{12,}")
_ELLIPSIS: Final = "…"


def presentable(notice: Notice) -> Notice:
    """Cut what is too long, take away what would break a line, and mask access key ids.

    Whoever makes a notice keeps secrets out of it; that ids are masked here too is a second line
    of defence.
    """
    facts = list(notice.facts.items())[:MOST_FACTS]
    return replace(
        notice,
        sentence=_clean(notice.sentence, LONGEST_SENTENCE),
        facts={_clean(name, LONGEST_NAME): _clean(value, LONGEST_VALUE) for name, value in facts},
        thread=_clean(notice.thread, LONGEST_VALUE),
    )


def title(kind: Kind) -> str:
    """Write a kind as a heading."""
    return kind.value.replace("-", " ").capitalize()


def arns(shown: Notice) -> list[str]:
    """Give the ARNs among the facts of what is presentable; they are ASCII, and take one byte each.

    Without that bound a message that has them twice would be too long.
    """
    return [each for each in shown.facts.values() if each.startswith("arn:") and each.isascii()]


def document(notice: Notice) -> dict[str, object]:
    """Give the members of the JSON that programs read, the same in every sink.

    Its ``id`` is the same whenever the same notice is sent again, so that doubles can be told.
    """
    shown = presentable(notice)
    said: dict[str, object] = {
        "version": "1",
        "kind": shown.kind.value,
        "severity": shown.severity.name.lower(),
        "time": iso_seconds(shown.at),
        "sentence": shown.sentence,
        "facts": dict(shown.facts),
        "thread": shown.thread,
    }
    exact = as_json({**said, "at": shown.at.timestamp()})
    return {"id": hashlib.sha256(exact.encode("ascii")).hexdigest()[:32], **said}


def as_json(value: object) -> str:
    """Write a value in ASCII without spaces, so that no reader can stumble over a character."""
    return json.dumps(value, separators=(",", ":"))


def _clean(text: str, most: int) -> str:
    whole = str(text).encode("utf-8", "replace").decode()
    line = "".join(char if char.isprintable() else " " for char in whole)
    masked = _ACCESS_KEY_ID.sub(lambda found: masked_tail(found[0]), line)
    return masked if len(masked) <= most else masked[: most - 1] + _ELLIPSIS
