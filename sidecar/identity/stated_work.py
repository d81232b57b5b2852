"""How often a locked file says its password is to be hashed, read before a library obeys.

OpenSSL obeys any number, for hours, and no other thread of this process runs meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Some seconds of hashing at most. OpenSSL writes 2048 for each key, bag and MAC.
MAX_ITERATIONS: Final = 2_000_000

_INTEGER: Final = 0x02
_OCTETS: Final = 0x04
_SEQUENCE: Final = 0x30
_CONSTRUCTED: Final = 0x20
_LONG_TAG: Final = 0x1F
_LONG_LENGTH: Final = 0x80
_END_OF_CONTENTS: Final = b"\x00\x00"
_DATA: Final = bytes.fromhex("2a864886f70d010701")

# What programs write stays below half of it.
_MAX_DEPTH: Final = 40
_SCRYPT_NUMBERS: Final = 3


@dataclass(frozen=True, slots=True)
class _Value:
    tag: int
    content: bytes


def stated_iterations(content: bytes) -> int:
    """Add up the iterations that a PKCS#12 file or an encrypted PKCS#8 key states in plain text.

    They stand behind a salt: in PBES1 and PBKDF2 (RFC 8018), in scrypt, where the product counts
    (RFC 7914), and in MacData (RFC 7292, section 4). Not counted: what is itself encrypted.

    Args:
        content: BER, of which the first value is read.

    Raises:
        ValueError: malformed.

    """
    first, _ = _value(content, 0, 0)
    total, pending = 0, [(first, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise ValueError("too many values within values")
        if value.tag & _CONSTRUCTED:
            inside = list(_values(value.content, depth))
            total += _behind_a_salt(value, inside)
            pending += ((each, depth + 1) for each in [*inside, *_data(inside, depth)])
    return total


def _behind_a_salt(value: _Value, inside: list[_Value]) -> int:
    match [each.tag & ~_CONSTRUCTED if _is_octets(each) else each.tag for each in inside]:
        case [0x04, 0x02, *_] if value.tag == _SEQUENCE:
            numbers = [_number(each) for each in inside[1:] if each.tag == _INTEGER]
            if len(numbers) < _SCRYPT_NUMBERS:
                return numbers[0]
            return numbers[0] * numbers[1] * numbers[2]
        case [0x30, 0x04, 0x02]:
            return _number(inside[2])
    return 0


def _data(inside: list[_Value], depth: int) -> Iterator[_Value]:
    """Give what a ContentInfo of type data holds, which is written as octets (RFC 7292)."""
    match inside:
        case [_Value(tag=0x06, content=name), _Value(content=wrapped)] if name == _DATA:
            for octets in _values(wrapped, depth):
                yield from _values(_joined(octets, depth), depth)


def _joined(octets: _Value, depth: int) -> bytes:
    """Give the octets of a string that BER may have cut in pieces."""
    if not octets.tag & _CONSTRUCTED:
        return octets.content
    if depth > _MAX_DEPTH:
        raise ValueError("too many values within values")
    return b"".join(_joined(each, depth + 1) for each in _values(octets.content, depth))


def _is_octets(value: _Value) -> bool:
    return value.tag & ~_CONSTRUCTED == _OCTETS


def _number(value: _Value) -> int:
    return int.from_bytes(value.content)


def _values(content: bytes, depth: int) -> Iterator[_Value]:
    at = 0
    while at < len(content):
        value, at = _value(content, at, depth)
        yield value


def _value(content: bytes, at: int, depth: int) -> tuple[_Value, int]:
    """Read the value that begins somewhere, and say where it ends."""
    head = content[at : at + 2]
    if len(head) < len(b"TL") or head[0] & _LONG_TAG == _LONG_TAG or depth > _MAX_DEPTH:
        raise ValueError("no value in BER")
    tag, length = head
    begin = at + len(head)
    if length == _LONG_LENGTH:
        end = begin
        while content[end : end + 2] != _END_OF_CONTENTS:
            _, end = _value(content, end, depth + 1)
        return _Value(tag, content[begin:end]), end + len(_END_OF_CONTENTS)
    if length > _LONG_LENGTH:
        size = content[begin : begin + length - _LONG_LENGTH]
        begin, length = begin + len(size), int.from_bytes(size)
    if begin + length > len(content):
        raise ValueError("a value that is cut off")
    return _Value(tag, content[begin : begin + length]), begin + length
