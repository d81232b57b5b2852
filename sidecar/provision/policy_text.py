"""Policy documents as values of a description: statements, and one written out as JSON text."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from sidecar.provision.resource import Piece, Reference, Text, Value

_VERSION: Final = "2012-10-17"


def document(*statements: Mapping[str, Value]) -> dict[str, Value]:
    """Make a policy document of statements."""
    return {"Version": _VERSION, "Statement": list(statements)}


def allow(actions: Sequence[str], resources: Value, **more: Value) -> dict[str, Value]:
    """Make a statement that allows; ``more`` are its other members, such as ``Condition``."""
    return {"Effect": "Allow", **more, "Action": list(actions), "Resource": resources}


def from_service(service: str, actions: Sequence[str], **more: Value) -> dict[str, Value]:
    """Make a statement by which a service of AWS may do something."""
    principal: dict[str, Value] = {"Service": f"{service}.amazonaws.com"}
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), **more}


def json_text(value: Value) -> Text:
    """Write a value as compact JSON whose references stay references.

    What a reference stands for is put between quotes as it is, so it may hold neither quotes nor
    backslashes; no identifier of AWS does.
    """
    joined: list[Piece] = []
    for piece in _pieces(value):
        if isinstance(piece, str) and joined and isinstance(last := joined[-1], str):
            joined[-1] = last + piece
        else:
            joined.append(piece)
    return Text(tuple(joined))


def _pieces(value: Value) -> list[Piece]:
    if isinstance(value, Reference):
        return ['"', value, '"']
    if isinstance(value, Text):
        escaped = (json.dumps(p)[1:-1] if isinstance(p, str) else p for p in value.pieces)
        return ['"', *escaped, '"']
    if isinstance(value, Mapping):
        members = [[f"{json.dumps(name)}:", *_pieces(each)] for name, each in value.items()]
        return ["{", *_listed(members), "}"]
    if isinstance(value, str | bool | int):
        return [json.dumps(value)]
    return ["[", *_listed([_pieces(each) for each in value]), "]"]


def _listed(groups: Sequence[Sequence[Piece]]) -> list[Piece]:
    pieces: list[Piece] = []
    for place, group in enumerate(groups):
        pieces += [*([","] if place else []), *group]
    return pieces
