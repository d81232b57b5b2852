"""What there is to know of a type of resource: how it is found, made, changed and taken away."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sidecar.provision.account import Account

Properties: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as it is to be, with every reference that is known in its place."""

    logical_id: str
    type: str
    properties: Properties


@dataclass(frozen=True, slots=True)
class Found:
    """A resource as it is.

    Attributes:
        ref: its main identifier, what CloudFormation's ``Ref`` gives for its type.
        attributes: what ``Fn::GetAtt`` gives.
        properties: in the shape of the description; may have more than was described. They are
            enough to delete it by.
        ours: whether it has the stack's tag, or belongs to something that has.
        also_lost: what goes with it when it is deleted and people should know, or empty.
        kept_by: what forbids to delete it, with what to do about it; empty when nothing does.

    """

    ref: str
    attributes: Mapping[str, str]
    properties: Properties
    ours: bool = True
    also_lost: str = ""
    kept_by: tuple[str, ...] = ()


def _nothing(_account: Account, _found: Found) -> None:
    """Do nothing: it goes with what it belongs to."""


def _makeable(_account: Account, _wanted: Wanted) -> None:
    """Find nothing missing."""


def _as_they_are(_account: Account, properties: Properties) -> Properties:
    return properties


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resource.

    `create` makes the bare thing, tagged, by one call; `update` completes and changes it, and may
    be repeated. So whatever a run that was interrupted left is completed by the next.

    Attributes:
        name: the property that names it; empty where it has no name of its own.
        needs: properties that must be known before it can be looked for.
        find: gives it as it is, or None.
        create: makes it.
        update: changes it; the last argument names the properties that differ.
        delete: takes it away; it may be gone already.
        described: gives the properties to compare and to make it of, from those of the description.
        check: raises OperatorError where something is missing without which it cannot be made.
        not_compared: properties that are given when it is made and then belong to others.
        exact: properties in which whatever was not described is a difference.
        secret: properties whose values are never shown.
        fixed: properties that AWS does not change in place.

    """

    name: str
    find: Callable[[Account, Wanted], Found | None]
    create: Callable[[Account, Wanted], None]
    update: Callable[[Account, Wanted, Found, frozenset[str]], None]
    delete: Callable[[Account, Found], None] = _nothing
    needs: tuple[str, ...] = ()
    described: Callable[[Account, Properties], Properties] = _as_they_are
    check: Callable[[Account, Wanted], None] = _makeable
    not_compared: frozenset[str] = frozenset({"Tags"})
    exact: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
