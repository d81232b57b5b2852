"""What must be done about a resource: decided from how it is and how it is to be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sidecar.errors import OperatorError
from sidecar.provision.account import TAG
from sidecar.provision.kinds.kind import Found, Kind, Wanted
from sidecar.provision.resolving import has_unknown
from sidecar.redaction import MASK


class Action(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    LEAVE = "leave"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """A property that differs, as people may see it: secrets are masked already."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about one resource.

    Attributes:
        action: what is done.
        wanted: the resource as it is to be.
        found: the resource as it is, or None.
        changes: what differs; for something new everything that is to be.

    """

    action: Action
    wanted: Wanted
    found: Found | None = None
    changes: tuple[Change, ...] = ()

    @property
    def changed(self) -> frozenset[str]:
        """The names of the properties that differ."""
        return frozenset(each.name for each in self.changes)


def step_for(wanted: Wanted, found: Found | None, kind: Kind) -> Step:
    """Decide what brings a resource from how it is to how it is to be.

    Raises:
        OperatorError: what is there is somebody else's, or cannot be changed in place.

    """
    if found is None:
        return Step(Action.CREATE, wanted, None, _everything(wanted, kind))
    refuse_others(wanted, found)
    changes = _changes(wanted, found, kind)
    for each in changes:
        if each.name in kind.fixed:
            raise OperatorError(
                f"{each.name} of {wanted.type} {found.ref} is {each.before}"
                f" and cannot become {each.after}",
                hint="AWS changes it for a new one only: destroy, then apply again",
            )
    return Step(Action.UPDATE if changes else Action.LEAVE, wanted, found, changes)


def refuse_others(wanted: Wanted, found: Found) -> None:
    """Raise OperatorError when what is there is not of this stack."""
    if not found.ours:
        raise OperatorError(
            f"{wanted.type} {found.ref} exists and is not of this stack",
            hint=f"its tag {TAG} is missing, or of another stack or region: see --region,"
            " or choose another --name",
        )


def _everything(wanted: Wanted, kind: Kind) -> tuple[Change, ...]:
    return tuple(
        Change(name, "", shown(value, secret=name in kind.secret))
        for name, value in wanted.properties.items()
    )


def _changes(wanted: Wanted, found: Found, kind: Kind) -> tuple[Change, ...]:
    changes = []
    for name, value in wanted.properties.items():
        if name in kind.not_compared:
            continue
        there = found.properties.get(name)
        if name not in kind.exact:
            there = _like(value, there)
        if _comparable(value) != _comparable(there):
            secret = name in kind.secret
            changes.append(Change(name, shown(there, secret=secret), shown(value, secret=secret)))
    return tuple(changes)


def _like(wanted: Any, there: Any) -> Any:
    """Give of what is there only what was spoken of: AWS adds defaults and members of its own."""
    if isinstance(wanted, str | dict) and isinstance(there, str | dict):
        wanted, there = _parsed(wanted), _parsed(there)
    if isinstance(wanted, Mapping) and isinstance(there, Mapping) and not _is_policy(wanted):
        return {name: _like(each, there.get(name)) for name, each in wanted.items()}
    lists = isinstance(wanted, list | tuple) and isinstance(there, list | tuple)
    if lists and len(wanted) == len(there):
        return [_like(one, other) for one, other in zip(wanted, there, strict=True)]
    return there


def _is_policy(value: Mapping[str, Any]) -> bool:
    """Whether a mapping is part of a policy, where what AWS has besides is somebody's change."""
    return bool(value.keys() & {"Statement", "Effect"})


def _comparable(value: Any) -> Any:
    """Give a form that is the same for the same meaning.

    Numbers and truth values may be text, policies may be text, lists of names have no order, and
    services that store policies write a list of one name as the name.
    """
    value = _parsed(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        pairs = {name: _comparable(each) for name, each in value.items()}
        return {name: each for name, each in pairs.items() if each is not None}
    if isinstance(value, list | tuple):
        entries = [_comparable(each) for each in value]
        if not all(isinstance(each, str) for each in entries):
            return entries
        return entries[0] if len(entries) == 1 else sorted(entries)
    return value.strip() if isinstance(value, str) else value


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def shown(value: Any, *, secret: bool = False) -> str:
    """Write a value for people, in one line."""
    if secret:
        return MASK
    if value is None:
        return "(none)"
    if isinstance(value, str) or not isinstance(value, Mapping | list | tuple):
        return str(value)
    return json.dumps(value, default=str, ensure_ascii=False)


def unready(wanted: Wanted, kind: Kind) -> bool:
    """Whether a resource cannot be there, since what it belongs to is not."""
    names = (kind.name, *kind.needs)
    return any(has_unknown(wanted.properties.get(each)) for each in names if each)
