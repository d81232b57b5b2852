"""One thing in AWS that is to exist, in CloudFormation's words, with its references as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Ref:
    """Another resource's main identifier, as CloudFormation's ``Ref`` gives it for its type."""

    logical_id: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """A named attribute of another resource, as ``Fn::GetAtt`` gives it, such as ``Arn``."""

    logical_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that whoever creates the resources gives: a template's parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """Pieces, references among them, that make one string (``Fn::Join`` with nothing between)."""

    pieces: "tuple[Piece, ...]"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the place of creation decides: ``AccountId``, ``Partition`` or ``Region``."""

    name: str


Reference: TypeAlias = Ref | Attribute | Parameter | Surroundings
Piece: TypeAlias = str | Reference
Value: TypeAlias = (
    "str | int | bool | Ref | Attribute | Parameter | Text | Surroundings"
    " | Sequence[Value] | Mapping[str, Value]"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: its type and properties are CloudFormation's, whoever makes it.

    Attributes:
        logical_id: its name in a template, letters and digits.
        type: such as ``AWS::RolesAnywhere::TrustAnchor``.
        properties: as the resource reference has them.
        depends_on: what must be there first though no property names it.

    """

    logical_id: str
    type: str
    properties: Mapping[str, Value]
    depends_on: tuple[str, ...] = ()
