"""Each line holds the hash of the one before: what links lines, and finds the link in a line."""

import hashlib
import json
import re
from typing import Any, Final

# What the first line of all follows.
GENESIS: Final = "0" * 64

_LINK: Final = re.compile(rb',"prev":"([0-9a-f]{64})"\}\Z')


def digest(line: bytes) -> str:
    """Hash a line, without its newline."""
    return hashlib.sha256(line).hexdigest()


def linked(body: bytes, prev: str) -> bytes:
    """Add to a line, which has one key at least, the hash of the line before, as its last key."""
    return b'%b,"prev":"%b"}' % (body[:-1], prev.encode())


def link_of(line: bytes) -> str | None:
    """Give the hash that a line holds; None if it is no whole line of a chain."""
    found = _LINK.search(line)
    return None if found is None or fields_of(line) is None else found[1].decode()


def fields_of(line: bytes) -> dict[str, Any] | None:
    """Read a line's JSON object; None if there is none, whatever else it is."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def folded(torn: str, fragment: bytes) -> str:
    """Take another piece into the digest of what is torn; empty is nothing yet."""
    return digest(torn.encode() + fragment)
