"""Clients that we did not write show a token that the sidecar signed and wrote to a file."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients.conftest import Client, Endpoint, Variables
    from tests.conftest import Aws, Serve


@pytest.fixture(scope="module")
def endpoint(
    shared_aws: "Aws",
    endpoint: "Endpoint",
    serve: "Serve",
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Endpoint"]:
    """Give the door of a sidecar that writes the app's token itself."""
    directory = tmp_path_factory.mktemp("signed")
    token_file, config = directory / "web" / "token", directory / "sidecar.toml"
    before, static, _ = shared_aws.stage.config.read_text().partition("static_token_file")
    assert static
    config.write_text(f"{before}token_file = {json.dumps(str(token_file))}\n")
    with serve(directory, "--config", str(config)) as serving:
        uri = f"{serving.doors()['credentials']}/credentials"
        yield replace(endpoint, full_uri=uri, token_file=token_file)


def by_variable(token_file: Path) -> "Variables":
    return {"AWS_CONTAINER_AUTHORIZATION_TOKEN": token_file.read_text()}


def with_bearer(token_file: Path) -> "Variables":
    return {"AWS_CONTAINER_AUTHORIZATION_TOKEN": f"Bearer {token_file.read_text()}"}


def by_file(token_file: Path) -> "Variables":
    return {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token_file)}


Form = Callable[[Path], "Variables"]


def _asked(endpoint: "Endpoint", form: Form) -> "Variables":
    uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.full_uri}
    return {**endpoint.common, **uri, **form(endpoint.token_file)}


@pytest.mark.parametrize("form", [by_variable, by_file])
def test_an_unmodified_client_is_the_role(
    form: Form, client: "Client", endpoint: "Endpoint", caller: str
) -> None:
    outcome = client(_asked(endpoint, form))
    assert (outcome.code, outcome.err, outcome.seen) == (0, "", (caller, True))


def test_a_word_before_the_token_is_no_part_of_it(
    boto3_client: "Client", endpoint: "Endpoint", caller: str
) -> None:
    assert boto3_client(_asked(endpoint, with_bearer)).seen == (caller, True)


def test_with_a_changed_signature_a_client_has_no_credentials(
    boto3_client: "Client", endpoint: "Endpoint"
) -> None:
    variables = _asked(endpoint, by_variable) | {"AWS_EC2_METADATA_DISABLED": "true"}
    head, _, signature = variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"].rpartition(".")
    variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = f"{head}.{signature[::-1]}"
    outcome = boto3_client(variables)
    assert outcome.code != 0
    assert "the app's token is wanted once in Authorization, and must count" in outcome.err
