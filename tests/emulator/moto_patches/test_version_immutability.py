"""A version's value never changes."""

from collections.abc import Callable
from typing import Any

import pytest

TOKEN = "version-".ljust(32, "0")


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("secretsmanager")


@pytest.fixture
def name(client: Any, fresh_name: Callable[[str], str]) -> str:
    """Give the name of a secret that has one version."""
    made = fresh_name("secret")
    client.create_secret(Name=made, SecretString="first")
    return made


@pytest.mark.parametrize("stage", ["AWSPENDING", "AWSCURRENT", "custom"])
@pytest.mark.parametrize("member", [{"SecretString": "other"}, {"SecretBinary": b"value"}])
def test_a_second_value_under_the_same_token_is_refused(
    client: Any, name: str, refusal: Any, stage: str, member: dict[str, Any]
) -> None:
    version = {"SecretId": name, "ClientRequestToken": TOKEN, "VersionStages": [stage]}
    client.put_secret_value(**version, SecretString="value")
    assert refusal(client.put_secret_value, **version, **member)[:2] == (
        400,
        "ResourceExistsException",
    )
    kept = client.get_secret_value(SecretId=name, VersionId=TOKEN)
    assert kept["SecretString"] == "value"


@pytest.mark.parametrize("stage", ["AWSPENDING", "AWSCURRENT", "custom"])
def test_the_same_value_under_the_same_token_changes_nothing(
    client: Any, name: str, stage: str
) -> None:
    version = {"SecretId": name, "ClientRequestToken": TOKEN, "VersionStages": [stage]}
    first = client.put_secret_value(**version, SecretString="value")
    again = client.put_secret_value(**version, SecretString="value")
    assert first["VersionId"] == again["VersionId"] == TOKEN
    assert first["VersionStages"] == again["VersionStages"] == [stage]
