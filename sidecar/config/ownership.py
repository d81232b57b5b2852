"""Options that say who may read a file that is written, and whose it is."""

import re
from typing import Final

from sidecar.config.option import text

_OCTAL: Final = re.compile(r"0?[0-7]{3}")
_WRITE_BY_OTHERS: Final = 0o002
# The last number means "no such user" in chown(2).
_NUMBER: Final = range(2**32 - 1)


class FileMode(int):
    """Permission bits; shown as they are written, in octal."""

    def __str__(self) -> str:
        return f"{int(self):04o}"


def file_mode(value: object) -> FileMode:
    """Read permission bits that do not let everybody write."""
    if not isinstance(value, str) or not _OCTAL.fullmatch(value):
        raise ValueError('must be three octal digits in quotes, such as "0600"')
    mode = FileMode(value, 8)
    if mode & _WRITE_BY_OTHERS:
        raise ValueError("lets everybody write")
    return mode


def account(value: object) -> str:
    """Read the name or the number of a user or group."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    name = text(value)
    if name.lstrip("-").isdecimal() and (name.startswith("-") or int(name) not in _NUMBER):
        raise ValueError("must be a name or a number from 0 to 4294967294")
    return name
