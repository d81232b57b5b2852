"""Checking a request's members against the service model, in the words that AWS uses."""

import re
from collections.abc import Iterator
from typing import Any, Final

from botocore.model import ListShape, Shape, StructureShape

from sidecar.emulator.error_shapes import AwsError

_TYPES: Final = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "list": list,
    "structure": dict,
}


def validate(shape: Shape, value: dict[str, Any]) -> None:
    """Check types, required members, lengths, ranges, patterns and enumerations.

    Raises:
        AwsError: ValidationException that lists everything that is wrong.
    """
    problems = list(_problems(shape, value, ""))
    if problems:
        raise validation_error(*problems)


def validation_error(*problems: str) -> AwsError:
    """A ValidationException for one or more violated constraints."""
    count = f"{len(problems)} validation error{'s' if len(problems) != 1 else ''} detected"
    return AwsError(400, "ValidationException", f"{count}: {'; '.join(problems)}")


def violated(value: object, where: str, constraint: str) -> str:
    """One violated constraint in AWS's words."""
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{where}' failed to satisfy constraint: Member must {constraint}"


def _problems(shape: Shape, value: object, where: str) -> Iterator[str]:
    kind = _TYPES.get(shape.type_name)
    if kind is not None and (
        not isinstance(value, kind) or (kind is int and isinstance(value, bool))
    ):
        yield violated(value, where, f"be of type {shape.type_name}")
    elif isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _structure_problems(shape, value, where)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _size_problems(shape, value, where, len(value))
        for index, each in enumerate(value, start=1):
            yield from _problems(shape.member, each, f"{where}.{index}.member")
    elif isinstance(value, str):
        yield from _text_problems(shape, value, where)
    elif isinstance(value, int):
        yield from _range_problems(shape, value, where)


def _structure_problems(shape: StructureShape, value: dict[str, Any], where: str) -> Iterator[str]:
    prefix = f"{where}." if where else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield violated(None, f"{prefix}{name}", "not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], f"{prefix}{name}")


def _size_problems(shape: Shape, value: object, where: str, size: int) -> Iterator[str]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if size < low:
        yield violated(value, where, f"have length greater than or equal to {low}")
    if high is not None and size > high:
        yield violated(value, where, f"have length less than or equal to {high}")


def _text_problems(shape: Shape, value: str, where: str) -> Iterator[str]:
    yield from _size_problems(shape, value, where, len(value))
    pattern = shape.metadata.get("pattern")
    if pattern and re.fullmatch(pattern, value) is None:
        yield violated(value, where, f"satisfy regular expression pattern: {pattern}")
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield violated(value, where, f"satisfy enum value set: [{', '.join(allowed)}]")


def _range_problems(shape: Shape, value: int, where: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield violated(value, where, f"have value greater than or equal to {low}")
    if high is not None and value > high:
        yield violated(value, where, f"have value less than or equal to {high}")
