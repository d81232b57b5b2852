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


def test_what_cannot_be_read_is_an_entry_among_the_errors(
    connect: Connect, secrets: list[str], fresh_name: Callable[[str], str]
) -> None:
    client, empty = connect("secretsmanager"), fresh_name("empty")
    client.create_secret(Name=empty)
    client.delete_secret(SecretId=secrets[1])
    answer = client.batch_get_secret_value(SecretIdList=[secrets[1], "none", empty, secrets[0]])
    assert [each["SecretString"] for each in answer["SecretValues"]] == ["0"]
    assert {each["SecretId"]: each["ErrorCode"] for each in answer["Errors"]} == {
        secrets[1]: "InvalidRequestException",
        "none": "ResourceNotFoundException",
        empty: "ResourceNotFoundException",
    }


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "InvalidParameterException"),
        (
            {"SecretIdList": ["a"], "Filters": [{"Key": "name", "Values": ["a"]}]},
            "InvalidParameterException",
        ),
        ({"SecretIdList": ["a"], "MaxResults": 5}, "InvalidParameterException"),
        ({"SecretIdList": ["a"] * 21}, "ValidationException"),
        ({"Filters": [{"Key": "none", "Values": ["a"]}]}, "ValidationException"),
        ({"Filters": [{"Key": "name", "Values": ["a"]}], "MaxResults": 21}, "ValidationException"),
    ],
    ids=str,
)
def test_requests_that_make_no_sense_are_refused(
    connect: Connect, refusal: Any, asked: dict[str, Any], code: str
) -> None:
    call = connect("secretsmanager").batch_get_secret_value
    assert refusal(call, **asked)[:2] == (400, code)


def test_filters_give_twenty_at_a_time(connect: Connect, fresh_name: Callable[[str], str]) -> None:
    client, prefix = connect("secretsmanager"), fresh_name("page")
    for number in range(21):
        client.create_secret(Name=f"{prefix}/{number}", SecretString="v")
    filters = [{"Key": "name", "Values": [f"{prefix}/"]}]
    first = client.batch_get_secret_value(Filters=filters)
    rest = client.batch_get_secret_value(Filters=filters, NextToken=first["NextToken"])
    assert [len(page["SecretValues"]) for page in (first, rest)] == [20, 1]
    assert "NextToken" not in rest
    listed = [f"{prefix}/{number}" for number in range(20)]
    assert len(client.batch_get_secret_value(SecretIdList=listed)["SecretValues"]) == 20


def test_filters_need_the_permission_to_list(
    connect: Connect, new_user: Connect, secrets: list[str], refusal: Any
) -> None:
    actions = ["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"]
    key = new_user({"Effect": "Allow", "Action": actions, "Resource": "*"})
    client = connect("secretsmanager", **key)
    assert len(client.batch_get_secret_value(SecretIdList=secrets)["SecretValues"]) == 2
    filters = [{"Key": "name", "Values": ["batch"]}]
    _, code, message = refusal(client.batch_get_secret_value, Filters=filters)
    assert code == "AccessDeniedException"
    assert "secretsmanager:ListSecrets" in message


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
