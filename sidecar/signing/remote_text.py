"""Text that another machine sent, made fit for a terminal and a log line."""

from typing import Final

_LONGEST: Final = 500


def printable(text: str) -> str:
    """Cut the text, and replace what could move a cursor or begin a new line."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:_LONGEST]
    )
