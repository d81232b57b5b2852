"""References become values as soon as what they refer to is there."""

from typing import Any

import pytest

from sidecar.errors import OperatorError
from sidecar.provision.account import Surrounding
from sidecar.provision.kinds.kind import Found
from sidecar.provision.resolving import Scope, Unknown, has_unknown, in_order
from sidecar.provision.resource import Attribute, Parameter, Ref, Resource, Surroundings, Text

_SCOPE = Scope(
    Surrounding("123456789012", "aws", "eu-central-1"),
    {"Name": "web", "Hours": 24},
    {"Role": Found("web-role", {"Arn": "arn:role"}, {})},
)


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        (Ref("Role"), "web-role"),
        (Attribute("Role", "Arn"), "arn:role"),
        (Parameter("Name"), "web"),
        (Parameter("Hours"), "24"),
        (Surroundings("AccountId"), "123456789012"),
        (Text(("arn:", Surroundings("Partition"), ":", Ref("Role"))), "arn:aws:web-role"),
        ({"A": [Ref("Role")], "B": 1}, {"A": ["web-role"], "B": 1}),
        (Ref("Later"), Unknown("<Later>")),
        (Attribute("Later", "Arn"), Unknown("<Later.Arn>")),
        (Attribute("Role", "Other"), Unknown("<Role.Other>")),
        (Text(("x:", Attribute("Later", "Arn"))), Unknown("x:<Later.Arn>")),
    ],
)
def test_a_value_is_resolved_as_far_as_it_is_known(value: Any, resolved: Any) -> None:
    assert _SCOPE.resolved(value) == resolved


@pytest.mark.parametrize(
    ("value", "expected"),
    [("x", False), (["x", Unknown("<A>")], True), ({"a": {"b": Unknown("<A>")}}, True)],
)
def test_what_is_not_known_is_seen_wherever_it_stands(value: Any, expected: bool) -> None:
    assert has_unknown(value) is expected


def test_a_parameter_without_a_value_is_an_error_that_names_it() -> None:
    with pytest.raises(OperatorError, match="the parameter Missing has no value"):
        _SCOPE.resolved([Parameter("Missing")])


def _resource(name: str, *needs: Any, after: tuple[str, ...] = ()) -> Resource:
    return Resource(name, "AWS::Some::Thing", {"Needs": list(needs)}, after)


def test_each_comes_after_what_it_needs() -> None:
    first, second, third = (
        _resource("A", Text(("x", Ref("B")))),
        _resource("B", after=("C",)),
        _resource("C"),
    )
    assert in_order((first, second, third)) == (third, second, first)


@pytest.mark.parametrize(
    "resources",
    [
        (_resource("A", Ref("B")), _resource("B", Ref("A"))),
        (_resource("A", Ref("Nowhere")),),
    ],
)
def test_what_can_never_be_made_is_refused(resources: tuple[Resource, ...]) -> None:
    with pytest.raises(ValueError, match="a circle, or not described"):
        in_order(resources)
