"""A wish as JSON for Terraform, with variables whose defaults are what was wished."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sidecar.provision.description import outputs, parameter_values, resources
from sidecar.provision.parameters import PARAMETERS
from sidecar.provision.policy_text import json_text
from sidecar.provision.resource import Attribute, Parameter, Ref, Reference, Resource, Text, Value
from sidecar.provision.terraform_kinds import KINDS
from sidecar.provision.terraform_parts import split
from sidecar.provision.wish import Wish

_PROVIDERS: Final = {
    "aws": {"source": "hashicorp/aws", "version": ">= 6.25"},
    "awscc": {"source": "hashicorp/awscc", "version": ">= 1.0"},
}
# Which hold policies and patterns: in Terraform they are text.
_JSON: Final = frozenset({"AssumeRolePolicyDocument", "PolicyDocument", "EventPattern"})
# Whose members are names of the user's.
_NAMES: Final = frozenset({"Variables", "Dimensions"})
_SURROUNDINGS: Final = {
    "AccountId": ("aws_caller_identity", "account_id"),
    "Partition": ("aws_partition", "partition"),
    "Region": ("aws_region", "region"),
}
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

Body = dict[str, Any]


def render(wish: Wish) -> str:
    """Write it as JSON, for a file that is called ``….tf.json``.

    Raises:
        ConfigError: the wish cannot be met.

    """
    return json.dumps(configuration(wish), indent=2) + "\n"


def configuration(wish: Wish) -> Body:
    """Make the configuration.

    Raises:
        ConfigError: the wish cannot be met.

    """
    described = resources(wish)
    made = _Writer({each.logical_id: each for each in described})
    blocks: dict[str, dict[str, Body]] = {}
    for each in described:
        for kind, name, body in made.blocks(each):
            blocks.setdefault(kind, {})[name] = body
    used = {kind.split("_")[0] for kind in blocks}
    providers = {name: said for name, said in _PROVIDERS.items() if name in used}
    return {
        "terraform": {"required_providers": providers},
        "data": {kind: {"current": {}} for kind, _ in _SURROUNDINGS.values()},
        "variable": {
            _snake(name): _variable(name, value) for name, value in parameter_values(wish).items()
        },
        "resource": blocks,
        "output": {
            _snake(name): {"description": each.says, "value": made.value(each.value)}
            for name, each in outputs(wish).items()
        },
    }


class _Writer:
    """Writes resources of one description, which it knows by their logical ids."""

    def __init__(self, described: Mapping[str, Resource]) -> None:
        self._described = described

    def blocks(self, resource: Resource) -> Iterator[tuple[str, str, Body]]:
        """Give the resources of Terraform that make one: type, name and content."""
        kind, name = KINDS[resource.type], _snake(resource.logical_id)
        stays, parts = split(resource)
        body = self._body(stays, kind.renamed)
        if waits := self._waits(resource):
            body["depends_on"] = waits
        yield kind.type, name, body
        for part, suffix, properties in parts:
            yield part, f"{name}_{suffix}", self._body(properties, {"PolicyDocument": "policy"})

    def value(self, value: Value) -> Any:
        """Write a value; references become expressions within text."""
        if isinstance(value, Reference):
            return f"${{{self._expression(value)}}}"
        if isinstance(value, Text):
            return self._text(value)
        if isinstance(value, Mapping):
            return {_snake(name): self._property(name, each) for name, each in value.items()}
        if isinstance(value, str):
            return _escaped(value)
        return value if isinstance(value, int) else [self.value(each) for each in value]

    def _body(self, properties: Mapping[str, Value], renamed: Mapping[str, str]) -> Body:
        return {
            renamed.get(name) or _snake(name): self._property(name, each)
            for name, each in properties.items()
        }

    def _property(self, name: str, value: Value) -> Any:
        if name in _JSON:
            return self._text(json_text(value))
        if name in _NAMES and isinstance(value, Mapping):
            return {key: self.value(each) for key, each in value.items()}
        return self.value(value)

    def _waits(self, resource: Resource) -> list[str]:
        """Say what must be there first and is not named: parts of what is, policies among them."""
        needed = dict.fromkeys([*resource.depends_on, *_named(resource.properties)])
        waits = [self._address(each) for each in resource.depends_on]
        for each in needed:
            other = self._described[each]
            _, parts = split(other)
            waits += [f"{kind}.{_snake(each)}_{suffix}" for kind, suffix, _ in parts]
        return waits

    def _address(self, logical_id: str) -> str:
        return f"{KINDS[self._described[logical_id].type].type}.{_snake(logical_id)}"

    def _expression(self, reference: Reference) -> str:
        if isinstance(reference, Parameter):
            return f"var.{_snake(reference.name)}"
        if isinstance(reference, Ref | Attribute):
            kind = KINDS[self._described[reference.logical_id].type]
            attribute = kind.ref
            if isinstance(reference, Attribute):
                attribute = kind.attributes.get(reference.name) or _snake(reference.name)
            return f"{self._address(reference.logical_id)}.{attribute}"
        kind_of_data, attribute = _SURROUNDINGS[reference.name]
        return f"data.{kind_of_data}.current.{attribute}"

    def _text(self, text: Text) -> str:
        return "".join(
            _escaped(each) if isinstance(each, str) else self.value(each) for each in text.pieces
        )


def _variable(name: str, value: str | int) -> Body:
    facts = PARAMETERS[name]
    said: Body = {
        "type": "string" if facts.numbers is None else "number",
        "description": facts.says,
    }
    return said if value == "" else said | {"default": value}


def _named(value: Value) -> Iterator[str]:
    """Give the logical id of everything that a value refers to."""
    if isinstance(value, Ref | Attribute):
        yield value.logical_id
    elif isinstance(value, Text):
        for piece in value.pieces:
            yield from _named(piece)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _named(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _named(each)


def _escaped(text: str) -> str:
    """Write text so that Terraform finds no expression in it."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _snake(name: str) -> str:
    return _WORD.sub("_", name).lower()
