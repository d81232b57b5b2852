"""Clients that we did not write get credentials by AWS_CONTAINER_CREDENTIALS_FULL_URI."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients.conftest import Client, Endpoint, Variables


def by_token(endpoint: "Endpoint") -> "Variables":
    return {
        **endpoint.common,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.full_uri,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": endpoint.token_file.read_text(),
    }


def by_token_file(endpoint: "Endpoint") -> "Variables":
    return {
        **endpoint.common,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.full_uri,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(endpoint.token_file),
    }


Form = Callable[["Endpoint"], "Variables"]
FORMS = pytest.mark.parametrize("form", [by_token, by_token_file])


@FORMS
def test_an_unmodified_client_is_the_role(
    form: Form, client: "Client", endpoint: "Endpoint", caller: str
) -> None:
    outcome = client(form(endpoint))
    assert (outcome.code, outcome.err, outcome.seen) == (0, "", (caller, True))


@FORMS
def test_after_the_token_was_replaced_a_client_works_with_the_new_one(
    form: Form, client: "Client", endpoint: "Endpoint", caller: str
) -> None:
    old = endpoint.token_file.read_text()
    other = endpoint.token_file.with_name("token.new")
    other.write_text(f"{old}1")
    other.replace(endpoint.token_file)
    outcome = client(form(endpoint))
    assert (outcome.code, outcome.err, outcome.seen) == (0, "", (caller, True))


def test_with_another_token_a_client_has_no_credentials(
    boto3_client: "Client", endpoint: "Endpoint"
) -> None:
    # Without credentials the SDK would go on to the machine's metadata service.
    variables = {**by_token(endpoint), "AWS_EC2_METADATA_DISABLED": "true"}
    variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] += "0"
    outcome = boto3_client(variables)
    assert outcome.code != 0
    assert "the app's token is wanted once in Authorization, and must count" in outcome.err


def test_a_job_decrypts_the_model_that_was_prepared_and_invokes_the_function(
    job: "Client", endpoint: "Endpoint"
) -> None:
    outcome = job(by_token_file(endpoint))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "52 encrypted bytes, score 112"
