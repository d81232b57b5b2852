"""Claims that an app's tokens must have, and how claims within claims are named."""

import pytest

from sidecar.access.outside_token import claims_match

CLAIMS = {
    "environment": "prod",
    "email_verified": True,
    "run": 7,
    "score": 0.5,
    "groups": ["admins", "web", 3, ["nested"]],
    "https://example.com/team": "billing",
    "a.b": "dots",
    "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "web", "a/b": "c", "~": "d"}},
    "nothing": None,
}

HOLDS = [
    {},
    {"environment": "prod"},
    {"email_verified": "true"},
    {"run": "7"},
    {"groups": "web"},
    {"groups": "3"},
    {"https://example.com/team": "billing"},
    {"a.b": "dots"},
    {"/environment": "prod"},
    {"/kubernetes.io/namespace": "prod"},
    {"/kubernetes.io/serviceaccount/name": "web"},
    {"/kubernetes.io/serviceaccount/a~1b": "c"},
    {"/kubernetes.io/serviceaccount/~0": "d"},
    {"/https:~1~1example.com~1team": "billing"},
    {"environment": "prod", "/kubernetes.io/namespace": "prod"},
]
DOES_NOT_HOLD = [
    {"environment": "Prod"},
    {"environment": "pro"},
    {"environment": "prod*"},
    {"environment": "*"},
    {"email_verified": "1"},
    {"email_verified": "True"},
    {"run": "7.0"},
    {"run": "true"},
    {"score": "0.5"},
    {"groups": "nested"},
    {"groups": "['admins']"},
    {"missing": "x"},
    {"missing": "None"},
    {"nothing": "null"},
    {"nothing": "None"},
    {"kubernetes.io/namespace": "prod"},
    {"kubernetes.io": "namespace"},
    {"/kubernetes/io/namespace": "prod"},
    {"/kubernetes.io/namespace/prod": "prod"},
    {"/kubernetes.io": "prod"},
    {"/groups/0": "admins"},
    {"/": "prod"},
    {"environment": "prod", "run": "8"},
]


@pytest.mark.parametrize("required", HOLDS, ids=str)
def test_claims_that_say_everything_required_match(required: dict[str, str]) -> None:
    assert claims_match(required, CLAIMS)


@pytest.mark.parametrize("required", DOES_NOT_HOLD, ids=str)
def test_claims_that_say_anything_else_do_not(required: dict[str, str]) -> None:
    assert not claims_match(required, CLAIMS)
