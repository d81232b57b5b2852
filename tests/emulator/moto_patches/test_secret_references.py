"""Secrets through Parameter Store."""

import json
from collections.abc import Callable
from typing import Any

import pytest

PREFIX = "/aws/reference/secretsmanager/"
FIRST = "first-version-".ljust(32, "0")
NOT_FOUND = (
    "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret "
    "aws/reference/secretsmanager/{} not found."
)
NOT_DECRYPTED = "WithDecryption flag must be True for retrieving a Secret Manager secret."


@pytest.fixture
def secrets(connect: Callable[..., Any]) -> Any:
    return connect("secretsmanager")


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("ssm")


@pytest.fixture
def name(secrets: Any, fresh_name: Callable[[str], str]) -> str:
    """Give the name of a secret with a previous and a current version."""
    made = f"{fresh_name('referred')}/nested"
    secrets.create_secret(Name=made, SecretString="old", ClientRequestToken=FIRST)
    secrets.put_secret_value(SecretId=made, SecretString="new")
    return made


@pytest.mark.parametrize(
    ("selector", "value", "stages"),
    [
        ("", "new", ["AWSCURRENT"]),
        (":AWSCURRENT", "new", ["AWSCURRENT"]),
        (":AWSPREVIOUS", "old", ["AWSPREVIOUS"]),
        (f":{FIRST}", "old", ["AWSPREVIOUS"]),
    ],
)
def test_a_reference_gives_the_secret_and_where_it_comes_from(
    *, secrets: Any, client: Any, name: str, selector: str, value: str, stages: list[str]
) -> None:
    asked = f"{PREFIX}{name}{selector}"
    found = client.get_parameter(Name=asked, WithDecryption=True)["Parameter"]
    secret = secrets.get_secret_value(SecretId=name, VersionStage=stages[0])
    source = json.loads(found.pop("SourceResult"))
    assert found == {
        "Name": f"{PREFIX}{name}",
        "Type": "SecureString",
        "Value": value,
        "Version": 0,
        "LastModifiedDate": secret["CreatedDate"],
        "ARN": secret["ARN"],
        **({"Selector": selector} if selector else {}),
    }
    assert list(source) == [
        *("ARN", "name", "versionId", "secretString", "versionStages", "createdDate")
    ]
    assert (source["secretString"], source["versionStages"]) == (value, stages)


@pytest.mark.parametrize(
    ("asked", "decrypt", "code", "message"),
    [
        ("{name}", False, "ValidationException", NOT_DECRYPTED),
        ("none", False, "ValidationException", NOT_DECRYPTED),
        ("{name}:a:b", True, "ValidationException", "Invalid parameter name."),
        ("{name}:", True, "ValidationException", "Invalid parameter name."),
        (
            "none",
            True,
            "ParameterNotFound",
            NOT_FOUND.format("nonenull"),
        ),
        (
            "{name}:none",
            True,
            "ParameterNotFound",
            NOT_FOUND.format("{name}:none"),
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(
    *, client: Any, name: str, refusal: Any, asked: str, decrypt: bool, code: str, message: str
) -> None:
    wanted = f"{PREFIX}{asked.format(name=name)}"
    refused = refusal(client.get_parameter, Name=wanted, WithDecryption=decrypt)
    assert refused[:2] == (400, code)
    assert refused[2].startswith(message.format(name=name))
    answer = client.get_parameters(Names=[wanted], WithDecryption=decrypt)
    assert (answer["Parameters"], answer["InvalidParameters"]) == ([], [wanted])


def test_a_deleted_secret_is_refused(secrets: Any, client: Any, name: str, refusal: Any) -> None:
    secrets.delete_secret(SecretId=name)
    refused = refusal(client.get_parameter, Name=f"{PREFIX}{name}", WithDecryption=True)
    assert refused == (400, "ValidationException", "Invalid Request to Secrets Manager")


def test_a_binary_secret_has_no_value(secrets: Any, client: Any, fresh_name: Any) -> None:
    name = fresh_name("binary")
    secrets.create_secret(Name=name, SecretBinary=b"\x00")
    found = client.get_parameter(Name=f"{PREFIX}{name}", WithDecryption=True)["Parameter"]
    assert "Value" not in found


@pytest.mark.parametrize("may_read", [True, False])
def test_the_caller_must_be_allowed_to_read_the_secret_too(
    *, connect: Any, new_user: Any, secrets: Any, name: str, refusal: Any, may_read: bool
) -> None:
    arn = secrets.describe_secret(SecretId=name)["ARN"]
    parameter = f"arn:aws:ssm:*:*:parameter{PREFIX}{name}"
    key = new_user(
        {"Effect": "Allow", "Action": "ssm:GetParameter*", "Resource": parameter},
        {
            "Effect": "Allow" if may_read else "Deny",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": arn,
        },
    )
    client, wanted = connect("ssm", **key), f"{PREFIX}{name}"
    if may_read:
        found = client.get_parameter(Name=wanted, WithDecryption=True)["Parameter"]
        assert found["Value"] == "new"
        return
    sentence = "An error occurred while calling one AWS dependency service."
    for call, asked in (
        (client.get_parameter, {"Name": wanted}),
        (client.get_parameters, {"Names": [wanted]}),
    ):
        refused = refusal(call, **asked, WithDecryption=True)
        assert refused == (400, "ValidationException", sentence)
