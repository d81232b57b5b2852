"""GetSecretValue finds the version that is meant, and says what is missing."""

from collections.abc import Callable
from typing import Any

import pytest

FIRST, SECOND, THIRD = (f"{name}-version-".ljust(32, "0") for name in ("first", "second", "third"))
NOT_FOUND = "Secrets Manager can't find the specified secret"


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("secretsmanager")


@pytest.fixture
def name(client: Any, fresh_name: Callable[[str], str]) -> str:
    """Give the name of a secret with a previous, a current and a pending version."""
    made = fresh_name("secret")
    client.create_secret(Name=made, SecretString="1", ClientRequestToken=FIRST)
    client.put_secret_value(SecretId=made, SecretBinary=b"\x002", ClientRequestToken=SECOND)
    client.put_secret_value(
        SecretId=made, SecretString="3", ClientRequestToken=THIRD, VersionStages=["AWSPENDING"]
    )
    return made


@pytest.mark.parametrize(
    ("wanted", "version_id", "stages"),
    [
        ({}, SECOND, ["AWSCURRENT"]),
        ({"VersionStage": "AWSCURRENT"}, SECOND, ["AWSCURRENT"]),
        ({"VersionStage": "AWSPREVIOUS"}, FIRST, ["AWSPREVIOUS"]),
        ({"VersionStage": "AWSPENDING"}, THIRD, ["AWSPENDING"]),
        ({"VersionId": FIRST}, FIRST, ["AWSPREVIOUS"]),
        ({"VersionId": FIRST, "VersionStage": "AWSPREVIOUS"}, FIRST, ["AWSPREVIOUS"]),
    ],
    ids=str,
)
def test_a_version_is_found_by_its_id_and_by_its_label(
    client: Any, name: str, wanted: dict[str, str], version_id: str, stages: list[str]
) -> None:
    found = client.get_secret_value(SecretId=name, **wanted)
    assert (found["VersionId"], found["VersionStages"]) == (version_id, stages)
    binary = {"SecretBinary": b"\x002"} if version_id == SECOND else {}
    assert {key: found[key] for key in found if key == "SecretBinary"} == binary


@pytest.mark.parametrize(
    ("wanted", "code", "message"),
    [
        (
            {"VersionStage": "none"},
            "ResourceNotFoundException",
            f"{NOT_FOUND} value for staging label: none",
        ),
        (
            {"VersionId": "0" * 32},
            "ResourceNotFoundException",
            f"{NOT_FOUND} value for VersionId: {'0' * 32}",
        ),
        (
            {"VersionId": "0" * 32, "VersionStage": "AWSCURRENT"},
            "ResourceNotFoundException",
            f"{NOT_FOUND} value for VersionId: {'0' * 32}",
        ),
        (
            {"VersionId": FIRST, "VersionStage": "AWSCURRENT"},
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ),
        ({"SecretId": "none"}, "ResourceNotFoundException", f"{NOT_FOUND}."),
    ],
    ids=str,
)
def test_what_is_missing_is_named(
    *, client: Any, name: str, refusal: Any, wanted: dict[str, str], code: str, message: str
) -> None:
    refused = refusal(client.get_secret_value, **{"SecretId": name, **wanted})
    assert refused == (400, code, message)


@pytest.mark.parametrize("wanted", [{}, {"VersionStage": "AWSCURRENT"}], ids=str)
def test_a_secret_without_a_value_has_no_current_version(
    client: Any, fresh_name: Any, refusal: Any, wanted: dict[str, str]
) -> None:
    made = fresh_name("empty")
    client.create_secret(Name=made)
    refused = refusal(client.get_secret_value, SecretId=made, **wanted)
    assert refused[1:] == (
        "ResourceNotFoundException",
        f"{NOT_FOUND} value for staging label: AWSCURRENT",
    )
    client.put_secret_value(SecretId=made, SecretString="value")
    assert client.get_secret_value(SecretId=made, **wanted)["SecretString"] == "value"


@pytest.mark.parametrize("form", ["{name}", "{arn}", "{stem}"])
def test_name_arn_and_partial_arn_are_one_secret(client: Any, fresh_name: Any, form: str) -> None:
    name = fresh_name("a+b/c=d.e@f_g")
    arn = client.create_secret(Name=name, SecretString="value")["ARN"]
    secret_id = form.format(name=name, arn=arn, stem=arn[:-7])
    found = client.get_secret_value(SecretId=secret_id)
    assert (found["ARN"], found["Name"], found["SecretString"]) == (arn, name, "value")


def test_the_creation_date_has_milliseconds(client: Any, fresh_name: Any) -> None:
    names = [fresh_name("dated") for _ in range(5)]
    for each in names:
        client.create_secret(Name=each, SecretString="value")
    dates = [client.get_secret_value(SecretId=each)["CreatedDate"] for each in names]
    assert any(date.microsecond for date in dates)
