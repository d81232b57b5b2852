"""Text for the markup of chats, in which some characters would begin a mention or a link."""

from typing import Final

_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ELLIPSIS: Final = "…"


def escaped(text: str, most: int) -> str:
    """Escape a text, and cut it between characters if it gets longer than it may be.

    A link of Markdown, which Teams reads, is taken apart; there is no other way to escape it that
    Slack does not show.
    Source: Slack's "Formatting text for app surfaces", "Escaping text".

    Args:
        text: what is to be read as it is.
        most: how many characters the result may have.

    """
    pieces = [_ESCAPES.get(char, char) for char in text.replace("](", "] (")]
    if sum(map(len, pieces)) <= most:
        return "".join(pieces)
    room = most - len(_ELLIPSIS)
    while sum(map(len, pieces)) > room:
        pieces.pop()
    return "".join(pieces) + _ELLIPSIS
