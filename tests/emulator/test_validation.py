"""The members of requests for secrets and parameters are checked before moto sees them."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.validation import validate_before_moto

LENGTH = "failed to satisfy constraint: Member must have length"
VALUE = "failed to satisfy constraint: Member must have value"
NO_SECRET_ID = f"Value '' at 'secretId' {LENGTH} greater than or equal to 1"
NO_VERSION_ID = f"Value '' at 'versionId' {LENGTH} greater than or equal to 32"


def problem_of(operation: str, members: dict[str, Any], service: str = "secretsmanager") -> str:
    """Say what is wrong; empty when nothing is."""
    try:
        validate_before_moto(service, operation, members)
    except AwsError as error:
        return error.message.removeprefix("1 validation error detected: ")
    return ""


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"VersionId": "v" * 32}, ""),
        ({"VersionId": "v" * 64}, ""),
        ({"VersionId": None}, ""),
        ({"VersionId": ""}, NO_VERSION_ID),
        (
            {"VersionId": "v" * 31},
            f"Value '{'v' * 31}' at 'versionId' {LENGTH} greater than or equal to 32",
        ),
        (
            {"VersionId": "v" * 65},
            f"Value '{'v' * 65}' at 'versionId' {LENGTH} less than or equal to 64",
        ),
        ({"VersionStage": "s"}, ""),
        ({"VersionStage": ""}, f"Value '' at 'versionStage' {LENGTH} greater than or equal to 1"),
        ({"SecretId": "n" * 2048}, ""),
        ({"SecretId": ""}, NO_SECRET_ID),
        (
            {"SecretId": None},
            "Value null at 'secretId' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"SecretId": 5},
            "Value '5' at 'secretId' failed to satisfy constraint: Member must be of type string",
        ),
        ({"Unknown": ""}, ""),
    ],
)
def test_members_are_as_long_as_aws_has_them(members: dict[str, Any], problem: str) -> None:
    assert problem_of("GetSecretValue", {"SecretId": "name", **members}) == problem


@pytest.mark.parametrize(
    ("size", "problem"),
    [
        (1, ""),
        (65536, ""),
        (0, f"Value at 'secretBinary' {LENGTH} greater than or equal to 1"),
        (65537, f"Value at 'secretBinary' {LENGTH} less than or equal to 65536"),
    ],
)
def test_binary_values_are_measured_in_bytes_and_not_repeated(size: int, problem: str) -> None:
    value = base64.b64encode(b"b" * size).decode()
    assert problem_of("PutSecretValue", {"SecretId": "name", "SecretBinary": value}) == problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("é" * 32768, ""),
        ("é" * 32768 + "e", f"Value at 'secretString' {LENGTH} less than or equal to 65536"),
    ],
)
def test_texts_of_secrets_are_measured_in_bytes_too(value: str, problem: str) -> None:
    assert problem_of("CreateSecret", {"Name": "name", "SecretString": value}) == problem


@pytest.mark.parametrize(
    ("operation", "members", "problem"),
    [
        ("GetParameter", {"Name": "n"}, ""),
        (
            "GetParameter",
            {},
            "Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        ("GetParametersByPath", {"Path": "/", "MaxResults": 10}, ""),
        (
            "GetParametersByPath",
            {"Path": "/", "MaxResults": 11},
            f"Value '11' at 'maxResults' {VALUE} less than or equal to 10",
        ),
    ],
)
def test_requests_for_parameters_are_checked_too(
    operation: str, members: dict[str, Any], problem: str
) -> None:
    assert problem_of(operation, members, "ssm") == problem


def test_no_message_repeats_a_secret() -> None:
    members = {"SecretId": "name", "SecretString": "secret" * 20_000}
    message = problem_of("PutSecretValue", members)
    assert message == f"Value at 'secretString' {LENGTH} less than or equal to 65536"


@pytest.mark.parametrize(
    ("operation", "members", "problem"),
    [
        ("BatchGetSecretValue", {"SecretIdList": ["name"]}, ""),
        (
            "BatchGetSecretValue",
            {"SecretIdList": []},
            f"Value '[]' at 'secretIdList' {LENGTH} greater than or equal to 1",
        ),
        (
            "BatchGetSecretValue",
            {"SecretIdList": ["name", ""]},
            f"Value '' at 'secretIdList.2.member' {LENGTH} greater than or equal to 1",
        ),
        ("ListSecrets", {"MaxResults": 100}, ""),
        (
            "ListSecrets",
            {"MaxResults": 101},
            f"Value '101' at 'maxResults' {VALUE} less than or equal to 100",
        ),
        (
            "GetSecretValue",
            {"SecretId": "", "VersionId": ""},
            f"2 validation errors detected: {NO_SECRET_ID}; {NO_VERSION_ID}",
        ),
    ],
)
def test_lists_numbers_and_several_problems(
    operation: str, members: dict[str, Any], problem: str
) -> None:
    assert problem_of(operation, members) == problem


@pytest.mark.parametrize(
    ("service", "operation"),
    [("secretsmanager", "NoSuchOperation"), ("sqs", "ReceiveMessage"), ("none", "Any")],
)
def test_the_rest_is_left_to_moto(service: str, operation: str) -> None:
    assert problem_of(operation, {}, service) == ""


def test_an_empty_version_id_is_refused_and_a_right_one_is_not(
    connect: Callable[..., Any], refusal: Any, fresh_name: Callable[[str], str]
) -> None:
    client, name = connect("secretsmanager"), fresh_name("secret")
    version = client.create_secret(Name=name, SecretString="value")["VersionId"]
    found = client.get_secret_value(SecretId=name, VersionId=version)
    assert found["SecretString"] == "value"
    status, code, message = refusal(client.get_secret_value, SecretId=name, VersionId="")
    assert (status, code) == (400, "ValidationException")
    assert message == f"1 validation error detected: {NO_VERSION_ID}"


def test_who_may_not_ask_is_not_told_what_is_wrong(
    connect: Callable[..., Any], refusal: Any, new_user: Callable[..., dict[str, str]]
) -> None:
    nobody = connect("secretsmanager", **new_user())
    assert refusal(nobody.get_secret_value, SecretId="")[:2] == (400, "AccessDeniedException")
