"""BatchGetSecretValue opens only the secrets that GetSecretValue would."""

from collections.abc import Callable
from typing import Any

import pytest

Connect = Callable[..., Any]


@pytest.fixture
def secrets(connect: Connect, fresh_name: Callable[[str], str]) -> list[str]:
    """Give the ARNs of two secrets."""
    client, prefix = connect("secretsmanager"), fresh_name("batch")
    return [
        client.create_secret(Name=f"{prefix}-{number}", SecretString=str(number))["ARN"]
        for number in range(2)
    ]


@pytest.fixture
def reader(connect: Connect, new_user: Connect, secrets: list[str]) -> Any:
    """Give a client that may read the first secret only."""
    batch = ["secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"]
    one = "secretsmanager:GetSecretValue"
    key = new_user(
        {"Effect": "Allow", "Action": batch, "Resource": "*"},
        {"Effect": "Allow", "Action": one, "Resource": secrets[0]},
    )
    return connect("secretsmanager", **key)


def test_the_administrator_gets_all(connect: Connect, secrets: list[str]) -> None:
    answer = connect("secretsmanager").batch_get_secret_value(SecretIdList=secrets)
    assert [each["SecretString"] for each in answer["SecretValues"]] == ["0", "1"]
    assert answer["Errors"] == []


def test_a_denied_secret_is_an_entry_among_the_errors(reader: Any, secrets: list[str]) -> None:
    answer = reader.batch_get_secret_value(SecretIdList=secrets)
    assert [each["SecretString"] for each in answer["SecretValues"]] == ["0"]
    [error] = answer["Errors"]
    assert (error["SecretId"], error["ErrorCode"]) == (secrets[1], "AccessDeniedException")
    assert f"secretsmanager:GetSecretValue on resource: {secrets[1]}" in error["Message"]


def test_all_may_be_denied(reader: Any, secrets: list[str]) -> None:
    answer = reader.batch_get_secret_value(SecretIdList=secrets[1:])
    assert answer["SecretValues"] == []
    assert [each["ErrorCode"] for each in answer["Errors"]] == ["AccessDeniedException"]


def test_a_filter_finds_only_what_may_be_read(reader: Any, secrets: list[str]) -> None:
    prefix = secrets[0].rsplit(":", 1)[-1].rsplit("-", 2)[0]
    answer = reader.batch_get_secret_value(Filters=[{"Key": "name", "Values": [prefix]}])
    assert [each["ARN"] for each in answer["SecretValues"]] == secrets[:1]
    assert [each["SecretId"] for each in answer["Errors"]] == secrets[1:]


def test_without_permission_for_batches_nothing_is_read(
    connect: Connect, new_user: Connect, secrets: list[str], refusal: Any
) -> None:
    one = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    client = connect("secretsmanager", **new_user(one))
    refused = refusal(client.batch_get_secret_value, SecretIdList=secrets)
    assert refused[:2] == (400, "AccessDeniedException")
