"""Text in an answer of AWS's, as it must be."""

from collections.abc import Mapping
from typing import Any


def text_of(reply: Mapping[str, Any], name: str) -> str:
    """Give a text that AWS always sends.

    JSON can hold half a surrogate pair, which is no Unicode: nothing could write it anywhere, and
    AWS's own agent takes such an answer for none.

    Raises:
        LookupError: it is missing.
        TypeError: it is no text.
        UnicodeError: it is no Unicode.

    """
    text = reply[name]
    if not isinstance(text, str):
        raise TypeError(name)
    text.encode()
    return text


def optional_text_of(reply: Mapping[str, Any], name: str) -> str | None:
    """Give a text that AWS may leave out; raises as `text_of` but for that."""
    return None if reply.get(name) is None else text_of(reply, name)
