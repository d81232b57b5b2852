"""A notice as the custom notification that Amazon Q Developer shows in chat applications."""

from typing import Final

from sidecar.notice import Notice, Severity
from sidecar.notify.mrkdwn import escaped
from sidecar.notify.presentable import arns, as_json, document, presentable, title

SIGNS: Final = {
    Severity.INFO: ":information_source:",
    Severity.WARNING: ":warning:",
    Severity.ERROR: ":rotating_light:",
}
# The fact that says what to do.
HINT: Final = "hint"
_LONGEST_TEXT: Final = 3000


def message(notice: Notice) -> str:
    """Write the message; notices of one thread are shown in one thread.

    Anything else than this form is dropped there without a word.
    Source: Amazon Q Developer in chat applications administrator guide, "Custom notifications".
    """
    shown = presentable(notice)
    facts = {name: value for name, value in shown.facts.items() if name != HINT}
    hint = shown.facts.get(HINT)
    content = {
        "textType": "client-markdown",
        "title": f"{SIGNS[shown.severity]} {title(shown.kind)}",
        "description": escaped(shown.sentence, _LONGEST_TEXT),
        **({"nextSteps": [escaped(hint, _LONGEST_TEXT)]} if hint else {}),
    }
    metadata = {
        **({"threadId": shown.thread} if shown.thread else {}),
        "summary": escaped(shown.sentence, _LONGEST_TEXT),
        "eventType": shown.kind.value,
        "relatedResources": arns(shown),
        "additionalContext": {**facts, "severity": shown.severity.name.lower()},
    }
    said = {"version": "1.0", "source": "custom", "id": document(notice)["id"]}
    return as_json({**said, "content": content, "metadata": metadata})
