"""AWS's managed policies can be attached."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("name", ["AdministratorAccess", "AmazonS3ReadOnlyAccess"])
def test_managed_policies_of_aws_exist(connect: Callable[..., Any], name: str) -> None:
    policy = connect("iam").get_policy(PolicyArn=f"arn:aws:iam::aws:policy/{name}")["Policy"]
    assert policy["PolicyName"] == name


def test_a_policy_that_aws_does_not_have_does_not(
    connect: Callable[..., Any], refusal: Any
) -> None:
    arn = "arn:aws:iam::aws:policy/NoSuchPolicyAtAll"
    assert refusal(connect("iam").get_policy, PolicyArn=arn)[:2] == (404, "NoSuchEntity")
