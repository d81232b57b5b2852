"""Checking a request's members against the service model, in the words that AWS uses."""

import re
from collections.abc import Iterator
from typing import Any, Final

from botocore.model import ListShape, Shape, StructureShape

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.service_models import model_of

# moto checks other services' members itself, some of them; what AWS says there was not compared.
_CHECKED_BEFORE_MOTO: Final = frozenset({"secretsmanager", "ssm"})
_TYPES: Final = {
    "string": str,
    "integer": int,
    "long": int,
    "blob": str,  # in base64
    "boolean": bool,
    "list": list,
    "structure": dict,
}


def validate_before_moto(service: str, operation: str, members: dict[str, Any]) -> None:
    """Check the members of a request for secrets or parameters, as AWS does before it looks.

    moto refuses few of them, reads an empty VersionId as none, and fails without a SecretId.
    Requests to other services, and operations that AWS does not have, are left to moto. For a wrong
    JSON type AWS answers SerializationException instead.

    Raises:
        AwsError: ValidationException that lists everything that is wrong.
    """
    model = model_of(service) if service in _CHECKED_BEFORE_MOTO else None
    if model is None or operation not in model.operation_names:
        return
    shape = model.operation_model(operation).input_shape
    if shape is not None:
        validate(shape, members)


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


def violated(value: object, where: str, constraint: str, *, sensitive: bool = False) -> str:
    """One violated constraint in AWS's words, which leave a sensitive value out."""
    shown = "" if sensitive else "null " if value is None else f"'{value}' "
    return f"Value {shown}at '{where}' failed to satisfy constraint: Member must {constraint}"


def _problems(shape: Shape, value: object, where: str) -> Iterator[str]:
    sensitive = bool(shape.metadata.get("sensitive"))
    for constraint in _violated_constraints(shape, value):
        yield violated(value, where, constraint, sensitive=sensitive)
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _structure_problems(shape, value, where)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for index, each in enumerate(value, start=1):
            yield from _problems(shape.member, each, f"{where}.{index}.member")


def _structure_problems(shape: StructureShape, value: dict[str, Any], where: str) -> Iterator[str]:
    prefix = f"{where}." if where else ""
    for name, member in shape.members.items():
        # AWS's sentences begin every name with a small letter, also where the protocol does not.
        place = f"{prefix}{name[0].lower()}{name[1:]}"
        if value.get(name) is not None:
            yield from _problems(member, value[name], place)
        elif name in shape.required_members:
            yield violated(None, place, "not be null")


def _violated_constraints(shape: Shape, value: object) -> Iterator[str]:
    kind = _TYPES.get(shape.type_name)
    if kind is not None and (
        not isinstance(value, kind) or (kind is int and isinstance(value, bool))
    ):
        yield f"be of type {shape.type_name}"
    elif isinstance(value, list):
        yield from _violated_bounds(shape, len(value), "length")
    elif isinstance(value, str) and shape.type_name == "blob":
        yield from _violated_bounds(shape, len(value) * 3 // 4 - value.count("="), "length")
    elif isinstance(value, str):
        yield from _violated_by_text(shape, value)
    elif isinstance(value, int):
        yield from _violated_bounds(shape, value, "value")


def _violated_by_text(shape: Shape, value: str) -> Iterator[str]:
    # The quota of a secret's value is in bytes, whatever the characters.
    measure = len(value.encode()) if shape.name == "SecretStringType" else len(value)
    yield from _violated_bounds(shape, measure, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and re.fullmatch(pattern, value) is None:
        yield f"satisfy regular expression pattern: {pattern}"
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield f"satisfy enum value set: [{', '.join(allowed)}]"


def _violated_bounds(shape: Shape, measure: int, of: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and measure < low:
        yield f"have {of} greater than or equal to {low}"
    if high is not None and measure > high:
        yield f"have {of} less than or equal to {high}"
