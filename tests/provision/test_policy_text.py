"""Policies as JSON text: what was meant, with the references in their places."""

import json

import pytest

from sidecar.provision.policy_text import json_text
from sidecar.provision.resource import Attribute, Parameter, Ref, Surroundings, Text, Value


def _filled(text: Text) -> str:
    return "".join(each if isinstance(each, str) else "X" for each in text.pieces)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ('a "quoted" \\ text', 'a "quoted" \\ text'),
        (7, 7),
        (True, True),
        ([], []),
        ({}, {}),
        (["a", Ref("R")], ["a", "X"]),
        ({"k": Attribute("R", "Arn"), "l": [Parameter("P")]}, {"k": "X", "l": ["X"]}),
        (Text(('say "', Surroundings("Region"), '"')), 'say "X"'),
    ],
)
def test_the_text_says_what_the_value_says(value: Value, meant: object) -> None:
    assert json.loads(_filled(json_text(value))) == meant


def test_neighbouring_pieces_are_one() -> None:
    assert json_text({"a": [1, Ref("R")]}).pieces == ('{"a":[1,"', Ref("R"), '"]}')
