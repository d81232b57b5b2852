"""Terraform's configuration uses what its providers have, in the shape that they have it."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.provision.terraform import configuration
from tests.provision.terraform_schema import breaches
from tests.provision.wishes import FULL, Switches, called, chosen, wish_of

Blocks = dict[str, Any]


@pytest.mark.parametrize("switches", chosen(), ids=called)
def test_every_argument_and_attribute_is_one_that_its_provider_has(switches: Switches) -> None:
    assert list(breaches(configuration(wish_of(switches)))) == []


def _anchor(blocks: Blocks) -> Blocks:
    anchor: Blocks = blocks["aws_rolesanywhere_trust_anchor"]["trust_anchor"]
    return anchor


def _function(blocks: Blocks) -> Blocks:
    function: Blocks = blocks["aws_lambda_function"]["rotation_function"]
    return function


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda b: b.update(aws_lambda={}), "aws_lambda is no resource"),
        (lambda b: _function(b).update(colour="red"), "aws_lambda_function.colour is unknown"),
        (lambda b: _function(b).pop("role"), "aws_lambda_function.role is missing"),
        (lambda b: _function(b).update(timeout="3"), "aws_lambda_function.timeout is no number"),
        (lambda b: _function(b).update(environment="a"), "aws_lambda_function.environment is a bl"),
        (
            lambda b: _function(b).update(environment=[{}, {}]),
            "aws_lambda_function.environment is there 2 times",
        ),
        (
            lambda b: _function(b).update(role="${aws_iam_role.function_role.ARN}"),
            "${aws_iam_role.function_role.ARN} reads what is unknown",
        ),
        (
            lambda b: _anchor(b)["source"].pop("source_type"),
            "aws_rolesanywhere_trust_anchor.source.source_type is missing",
        ),
        (
            lambda b: _anchor(b).update(lifecycle=[{"ignore_changes": ["nothing"]}]),
            "aws_rolesanywhere_trust_anchor.nothing cannot be ignored",
        ),
    ],
)
def test_what_no_provider_has_is_found(change: Callable[[Blocks], object], found: str) -> None:
    given = configuration(FULL)
    change(given["resource"])
    (said,) = breaches(given)
    assert said.startswith(found)
