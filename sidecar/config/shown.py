"""How a refused value is quoted: on one short line, without what may be a password."""

from typing import Final

_LONGEST: Final = 80


def shown(value: object) -> str:
    """Quote a value, escaped and cut; of a URL with a user name or password only what follows."""
    try:
        text = ascii(value) if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # a number too long, or tables too deep, for Python
        return "something too large to show"
    if "pin-value" in text.lower():
        return "a URI with a PIN"
    user, at, host = text.rpartition("@")
    if at and ":" in user:
        text = f"{text[0]}…@{host}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
