"""JSON services answer a client's error with 400, whatever moto gives."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.emulator.json_errors import mended_status_line


def body(code: object) -> bytes:
    return json.dumps({"__type": code, "message": "any"}).encode()


@pytest.mark.parametrize(
    ("line", "service", "code", "mended"),
    [
        ("404 NOT FOUND", "secretsmanager", "ResourceNotFoundException", "400 Bad Request"),
        ("404 NOT FOUND", "secretsmanager", "a.b#ResourceNotFoundException", "400 Bad Request"),
        ("404 NOT FOUND", "secretsmanager", "NotOfThisService", "400 Bad Request"),
        ("403 FORBIDDEN", "no-such-service", "AnyException", "400 Bad Request"),
        # Its description names these statuses.
        ("400 BAD REQUEST", "appstream", "ResourceNotFoundException", "404 Not Found"),
    ],
)
def test_a_clients_error_has_the_status_that_aws_describes(
    line: str, service: str, code: str, mended: str
) -> None:
    assert mended_status_line(line, body(code), service) == mended


@pytest.mark.parametrize(
    ("line", "content"),
    [
        pytest.param("200 OK", body("any"), id="no error"),
        pytest.param("500 INTERNAL SERVER ERROR", body("any"), id="a server's error"),
        pytest.param("404 NOT FOUND", b"<html>", id="no JSON"),
        pytest.param("404 NOT FOUND", b"[]", id="no object"),
        pytest.param("404 NOT FOUND", b"{}", id="no code"),
        pytest.param("404 NOT FOUND", body(1), id="a code that is none"),
    ],
)
def test_other_answers_keep_their_status(line: str, content: bytes) -> None:
    assert mended_status_line(line, content, "secretsmanager") == line


@pytest.mark.parametrize(
    "wanted",
    [
        {"SecretId": "none"},
        {"SecretId": "some", "VersionStage": "none"},
        {"SecretId": "some", "VersionId": "0" * 32},
        {"SecretId": "some", "VersionId": "0" * 32, "VersionStage": "AWSCURRENT"},
    ],
    ids=str,
)
def test_what_does_not_exist_is_a_bad_request(
    connect: Callable[..., Any], refusal: Any, fresh_name: Any, wanted: dict[str, str]
) -> None:
    client, some = connect("secretsmanager"), fresh_name("secret")
    client.create_secret(Name=some, SecretString="value")
    named = {**wanted, "SecretId": wanted["SecretId"].replace("some", some)}
    status, code, _ = refusal(client.get_secret_value, **named)
    assert status == 400
    assert code in {"ResourceNotFoundException", "InvalidRequestException"}


def test_rest_services_keep_404(connect: Callable[..., Any], refusal: Any) -> None:
    assert refusal(connect("s3").get_object, Bucket="no-such-bucket", Key="any")[0] == 404
    assert refusal(connect("iam").get_user, UserName="nobody")[0] == 404


def test_no_answer_repeats_its_status_in_a_header(connect: Callable[..., Any]) -> None:
    answer = connect("secretsmanager").list_secrets()
    assert "status" not in answer["ResponseMetadata"]["HTTPHeaders"]
