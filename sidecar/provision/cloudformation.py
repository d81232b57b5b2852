"""A wish as one CloudFormation template: what was wished are the defaults of its parameters."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sidecar.provision.description import (
    CONDITIONAL,
    CONDITIONS,
    Output,
    outputs,
    parameter_values,
    resources,
)
from sidecar.provision.parameters import PARAMETERS
from sidecar.provision.resource import (
    Attribute,
    Parameter,
    Ref,
    Reference,
    Resource,
    Text,
    Value,
)
from sidecar.provision.wish import Chat, Wish

_DESCRIPTION: Final = "What the credential sidecar needs: sessions, a rotated access key, events"
# What was logged outlives the stack; a bucket that is not empty could not be deleted anyway.
_KEPT: Final = frozenset({"AWS::S3::Bucket"})
# Offered in every template: whoever leaves the parameter empty does not get them.
_MAY_BE_EMPTY: Final = frozenset(name for names in CONDITIONS.values() for name in names)
_SOME_LIST: Final = "-----BEGIN X509 CRL-----"
_SOME_CHAT: Final = Chat(workspace_id="T0", channel_id="C0")


def template(wish: Wish) -> dict[str, Any]:
    """Make the template.

    Raises:
        ConfigError: the wish cannot be met.

    """
    offered = _offering(wish)
    described = resources(offered)
    values = dict.fromkeys(parameter_values(offered), "") | dict(parameter_values(wish))
    return written(_DESCRIPTION, described, values, outputs(wish))


def written(
    says: str,
    described: Sequence[Resource],
    values: Mapping[str, str | int],
    outputs: Mapping[str, Output] | None = None,
) -> dict[str, Any]:
    """Write resources as a template.

    Args:
        says: what it is for.
        described: the resources.
        values: the defaults of their parameters; an empty one has none, unless it may be empty.
        outputs: what is known once all is there.

    """
    conditions = [name for name, needs in CONDITIONS.items() if values.keys() >= set(needs)]
    optional: dict[str, Any] = {}
    if conditions:
        optional["Conditions"] = {name: _condition(CONDITIONS[name]) for name in conditions}
    if outputs:
        optional["Outputs"] = {
            name: {"Description": each.says, "Value": _value(each.value)}
            for name, each in outputs.items()
        }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": says,
        "Parameters": {name: _parameter(name, value) for name, value in values.items()},
        "Resources": {each.logical_id: _resource(each, conditions) for each in described},
        **optional,
    }


def render(wish: Wish) -> str:
    """Write the template as JSON.

    Raises:
        ConfigError: the wish cannot be met.

    """
    return json.dumps(template(wish), indent=2) + "\n"


def _offering(wish: Wish) -> Wish:
    events = wish.events
    if events is not None and events.chat is None:
        events = replace(events, chat=_SOME_CHAT)
    listed = _SOME_LIST if wish.revocation_list is None else wish.revocation_list
    return replace(wish, events=events, revocation_list=listed)


def _parameter(name: str, value: str | int) -> dict[str, Any]:
    facts = PARAMETERS[name]
    said: dict[str, Any] = {"Type": "String", "Description": facts.says}
    if facts.numbers is not None:
        said |= {"Type": "Number", "MinValue": facts.numbers[0], "MaxValue": facts.numbers[1]}
    if facts.pattern is not None:
        said["AllowedPattern"] = facts.pattern
    if value != "" or name in _MAY_BE_EMPTY:
        said["Default"] = value
    return said


def _condition(parameters: Sequence[str]) -> dict[str, Any]:
    given = [{"Fn::Not": [{"Fn::Equals": [{"Ref": each}, ""]}]} for each in parameters]
    return {"Fn::And": given} if given[1:] else given[0]


def _resource(resource: Resource, conditions: Sequence[str]) -> dict[str, Any]:
    said: dict[str, Any] = {"Type": resource.type}
    if (condition := CONDITIONAL.get(resource.logical_id)) in conditions:
        said["Condition"] = condition
    if resource.depends_on:
        said["DependsOn"] = list(resource.depends_on)
    if resource.type in _KEPT:
        said |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return said | {"Properties": _value(resource.properties)}


def _value(value: Value) -> Any:
    """Write a value; references become intrinsic functions."""
    if isinstance(value, Reference):
        return _reference(value)
    if isinstance(value, Text):
        return _text(value)
    if isinstance(value, Mapping):
        return {name: _value(each) for name, each in value.items()}
    if isinstance(value, str | int):
        return value
    return [_value(each) for each in value]


def _text(text: Text) -> Any:
    """Write a string for ``Fn::Sub``, in which ``${!`` stands for ``${``."""
    pieces = (
        piece.replace("${", "${!") if isinstance(piece, str) else f"${{{_name(piece)}}}"
        for piece in text.pieces
    )
    return {"Fn::Sub": "".join(pieces)}


def _reference(reference: Reference) -> Any:
    if isinstance(reference, Attribute):
        return {"Fn::GetAtt": [reference.logical_id, reference.name]}
    return {"Ref": _name(reference)}


def _name(reference: Reference) -> str:
    if isinstance(reference, Attribute):
        return f"{reference.logical_id}.{reference.name}"
    if isinstance(reference, Ref):
        return reference.logical_id
    return reference.name if isinstance(reference, Parameter) else f"AWS::{reference.name}"
