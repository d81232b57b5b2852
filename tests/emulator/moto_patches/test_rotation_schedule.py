"""A schedule is kept, and changes no version."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

FUNCTION = "arn:aws:lambda:ap-northeast-2:123456789012:function:rotate"


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("secretsmanager")


@pytest.fixture
def name(client: Any, fresh_name: Callable[[str], str]) -> str:
    made = fresh_name("secret")
    client.create_secret(Name=made, SecretString="value")
    return made


def test_a_schedule_says_when_the_next_rotation_is(client: Any, name: str, today: datetime) -> None:
    assert "NextRotationDate" not in client.describe_secret(SecretId=name)
    before = client.describe_secret(SecretId=name)["VersionIdsToStages"]
    client.rotate_secret(
        SecretId=name,
        RotationLambdaARN=FUNCTION,
        RotationRules={"AutomaticallyAfterDays": 7},
        RotateImmediately=False,
    )
    described = client.describe_secret(SecretId=name)
    due = described["NextRotationDate"] - today - timedelta(days=7)
    assert abs(due) < timedelta(hours=1)
    assert (described["RotationEnabled"], described["RotationLambdaARN"]) == (True, FUNCTION)
    assert described["VersionIdsToStages"] == before


def test_without_a_function_nothing_rotates(client: Any, name: str, refusal: Any) -> None:
    for immediately in (True, False):
        refused = refusal(client.rotate_secret, SecretId=name, RotateImmediately=immediately)
        assert refused == (
            400,
            "InvalidRequestException",
            "No Lambda rotation function ARN is associated with this secret.",
        )
    assert client.get_secret_value(SecretId=name)["SecretString"] == "value"


def test_a_replica_cannot_be_rotated(
    client: Any, connect: Callable[..., Any], name: str, refusal: Any
) -> None:
    client.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": "us-west-2"}])
    replica = connect("secretsmanager", region_name="us-west-2")
    refused = refusal(replica.rotate_secret, SecretId=name, RotationLambdaARN=FUNCTION)
    assert refused[1] == "InvalidParameterException"
