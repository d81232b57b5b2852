"""A target gets of an event what it asks for."""

import json
from typing import Any

import pytest

from sidecar.emulator.events.inputs import BadInput, input_of

EVENT = {"id": "1", "time": "2026-03-01T12:00:00Z", "detail": {"name": 'a "b"', "list": [1, 2]}}
RULE = "arn:aws:events:eu-west-1:123456789012:rule/changed"


def made(**target: Any) -> str:
    return input_of(target, EVENT, RULE)


def transformed(template: str, **paths: str) -> str:
    return made(InputTransformer={"InputTemplate": template, "InputPathsMap": paths})


def test_without_a_wish_it_is_the_event() -> None:
    assert json.loads(made()) == EVENT


def test_a_constant_and_a_part() -> None:
    assert made(Input='{"a": 1}') == '{"a": 1}'
    assert json.loads(made(InputPath="$.detail.list")) == [1, 2]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"x": <name>}', {"x": 'a "b"'}),
        ('{"x": "is <name>!"}', {"x": 'is a "b"!'}),
        ('{"x": <second>}', {"x": 2}),
        ('{"x": <missing>, "y": "<missing>"}', {"x": None, "y": ""}),
        ('"<name>"', 'a "b"'),
        ('{"x": <aws.events.event.json>}', {"x": EVENT}),
        ('{"x": "<aws.events.rule-name>"}', {"x": "changed"}),
    ],
)
def test_a_template_is_filled(template: str, expected: object) -> None:
    paths = {"name": "$.detail.name", "second": "$.detail.list[1]", "missing": "$.detail.none"}
    assert json.loads(transformed(template, **paths)) == expected


def test_several_lines_of_text_are_let_be() -> None:
    assert transformed('"one <id>"\n"two"', id="$.id") == '"one 1"\n"two"'


@pytest.mark.parametrize("template", ["{<name>", "text <name>", '{"x": <other>}'])
def test_a_template_that_gives_no_json_is_refused(template: str) -> None:
    with pytest.raises(BadInput, match="InputTemplate"):
        transformed(template, name="$.detail.name")


@pytest.mark.parametrize("path", ["detail", "$detail", "$.detail[*]", "$.a b"])
def test_a_path_that_is_not_understood_is_refused(path: str) -> None:
    with pytest.raises(BadInput, match="path is not understood"):
        made(InputPath=path)
