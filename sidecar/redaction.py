"""A type for secret text and bytes that never prints what it holds."""

import hmac
from typing import Final, NoReturn

MASK: Final = "***"


class Secret:
    """Secret text that shows itself only when asked by name.

    ``repr``, ``str``, ``format`` and ``%s`` all give a mask, pickling and iteration are refused, so
    that a log line, an error message or a debugger's variable view cannot leak it by accident. It
    does not protect process memory: Python strings cannot be wiped.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Return the text itself; every call of this is a place for a reviewer to look at."""
        return self.__value

    def encoded(self) -> bytes:
        """Return its bytes: UTF-8, or those of an environment variable that is no UTF-8."""
        return self.__value.encode(errors="surrogateescape")

    def matches(self, candidate: bytes) -> bool:
        """Compare with what a caller sent, in time that does not depend on where they differ."""
        return hmac.compare_digest(self.encoded(), candidate)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __len__(self) -> int:
        return len(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self.matches(other.encoded())

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied to another process")

    def __iter__(self) -> NoReturn:
        raise TypeError("a Secret cannot be iterated")


def masked_tail(text: str) -> str:
    """Show only the last four characters of an identifier such as an access key id."""
    return f"…{text[-4:]}" if len(text) > 8 else MASK  # noqa: PLR2004 - shorter ids would show half of themselves
