"""What a target gets of an event: all of it, a part, a constant, or a text made of parts.

Source: EventBridge user guide, "Amazon EventBridge input transformation".
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_STEP: Final = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")
_PLACEHOLDER: Final = re.compile(r"<([A-Za-z0-9_.-]+)>")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class BadInput(ValueError):
    """A target's input cannot be made; the text says why."""


def input_of(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    """Make the text that a target of a rule gets.

    Args:
        target: as PutTargets took it.
        event: the event in its published form.
        rule_arn: for the variables that name the rule.

    Raises:
        BadInput: a path that is not understood, or a template that gives no JSON.
    """
    if constant := target.get("Input"):
        return str(constant)
    if path := target.get("InputPath"):
        return json.dumps(_found(path, event))
    if transformer := target.get("InputTransformer"):
        return _transformed(transformer, event, rule_arn)
    return json.dumps(event)


def _transformed(transformer: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    paths = transformer.get("InputPathsMap") or {}
    variables: dict[str, Any] = {name: _found(path, event) for name, path in paths.items()}
    variables |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event.json": event,
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
    }
    text = _filled(str(transformer["InputTemplate"]), variables)
    if not _is_json(text) and not all(map(_is_json, filter(None, text.splitlines()))):
        raise BadInput("the InputTemplate gives no JSON")
    return text


def _filled(template: str, variables: Mapping[str, Any]) -> str:
    """Replace every variable: within quotes by its text, elsewhere by its JSON."""

    def within(found: re.Match[str]) -> str:
        return _PLACEHOLDER.sub(lambda each: _inner(_value(each, variables)), found.group())

    parts, end = [], 0
    for quoted in _QUOTED.finditer(template):
        parts += [_bare(template[end : quoted.start()], variables), within(quoted)]
        end = quoted.end()
    return "".join([*parts, _bare(template[end:], variables)])


def _bare(text: str, variables: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda each: json.dumps(_value(each, variables)), text)


def _inner(value: object) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return json.dumps(text)[1:-1]


def _value(found: re.Match[str], variables: Mapping[str, Any]) -> Any:
    name = found.group(1)
    if name not in variables:
        raise BadInput(f"the InputTemplate names <{name}>, which InputPathsMap does not have")
    return variables[name]


def _found(path: str, event: Mapping[str, Any]) -> Any:
    """Follow a path such as ``$.detail.resources[0]``; None where the event has nothing."""
    steps = list(_STEP.finditer(path))
    if not path.startswith("$") or "".join(each.group() for each in steps) != path[1:]:
        raise BadInput(f"the path is not understood: {path}")
    value: Any = event
    for step in steps:
        name, index = step.groups()
        value = _member(value, name) if name else _item(value, int(index))
    return value


def _member(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _item(value: object, index: int) -> Any:
    return value[index] if isinstance(value, list) and index < len(value) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
