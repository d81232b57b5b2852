"""References turned into values, as far as what they refer to exists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sidecar.errors import OperatorError
from sidecar.provision.account import Surrounding
from sidecar.provision.kinds.kind import Found
from sidecar.provision.resource import Attribute, Parameter, Ref, Resource, Surroundings, Text


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that nobody has before something else exists; `text` is for people."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Scope:
    """What references lead to.

    Attributes:
        place: where things are made.
        parameters: the values that were given.
        found: what exists of the description, by logical id.

    """

    place: Surrounding
    parameters: Mapping[str, str | int]
    found: Mapping[str, Found]

    def resolved(self, value: Any) -> Any:
        """Give a value with every reference in it replaced, by an `Unknown` where it must be.

        Raises:
            OperatorError: a parameter has no value.

        """
        if isinstance(value, Ref | Attribute | Text | Parameter | Surroundings):
            return self._reference(value)
        if isinstance(value, Mapping):
            return {name: self.resolved(each) for name, each in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.resolved(each) for each in value]
        return value

    def _reference(self, value: Ref | Attribute | Text | Parameter | Surroundings) -> Any:
        match value:
            case Ref(logical_id):
                found = self.found.get(logical_id)
                return Unknown(f"<{logical_id}>") if found is None else found.ref
            case Attribute(logical_id, name):
                found = self.found.get(logical_id)
                unknown = Unknown(f"<{logical_id}.{name}>")
                return unknown if found is None else found.attributes.get(name, unknown)
            case Text(pieces):
                return _joined([self.resolved(each) for each in pieces])
            case Parameter(name):
                return self._parameter(name)
            case Surroundings(name):
                return self._surroundings(name)

    def _parameter(self, name: str) -> str:
        try:
            return str(self.parameters[name])
        except KeyError:
            raise OperatorError(
                f"the parameter {name} has no value", hint="see the options that the command has"
            ) from None

    def _surroundings(self, name: str) -> str:
        values = {
            "AccountId": self.place.account,
            "Partition": self.place.partition,
            "Region": self.place.region,
        }
        return values[name]


def _joined(pieces: list[Any]) -> Any:
    text = "".join(map(str, pieces))
    return Unknown(text) if any(isinstance(each, Unknown) for each in pieces) else text


def has_unknown(value: Any) -> bool:
    """Whether something in a value is known later only."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(map(has_unknown, value.values()))
    return isinstance(value, list | tuple) and any(map(has_unknown, value))


def in_order(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Give the resources so that each comes after those that it needs, else as they were.

    Raises:
        ValueError: they need each other, or something that is not among them.

    """
    by_id = {each.logical_id: each for each in resources}
    done: dict[str, Resource] = {}

    def visit(logical_id: str, above: tuple[str, ...]) -> None:
        if logical_id in done:
            return
        if logical_id in above or logical_id not in by_id:
            raise ValueError(f"{' -> '.join((*above, logical_id))}: a circle, or not described")
        resource = by_id[logical_id]
        for each in (*resource.depends_on, *_references(resource.properties)):
            visit(each, (*above, logical_id))
        done[logical_id] = resource

    for each in by_id:
        visit(each, ())
    return tuple(done.values())


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Ref | Attribute):
        yield value.logical_id
    elif isinstance(value, Text):
        yield from _references(value.pieces)
    elif isinstance(value, Mapping):
        yield from _references(tuple(value.values()))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _references(each)
