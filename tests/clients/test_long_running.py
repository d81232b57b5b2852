"""A client that runs on while its token is replaced: it reads the token file again by itself.

The sessions last a quarter of an hour, so that boto3 asks for new credentials at every call.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

if TYPE_CHECKING:
    from tests.clients.conftest import Endpoint
    from tests.conftest import Aws, Eventually, Serve

PROGRAM = Path(__file__).parent / "programs" / "asking_again.py"
STALE = "Refreshing temporary credentials failed during advisory refresh period."
NEW = "the-second-token-of-the-app"


@pytest.fixture
def endpoint(
    aws: "Aws", serve: "Serve", endpoint: "Endpoint", tmp_path: Path
) -> Iterator["Endpoint"]:
    """Give the door of a sidecar with short sessions and a token file of the test's own."""
    token_file = tmp_path / "token"
    token_file.write_text("the-first-token-of-the-app")
    variables = {
        "SIDECAR_APPS_WEB_STATIC_TOKEN_FILE": str(token_file),
        "SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS": "900",
    }
    with serve(tmp_path, "--config", str(aws.stage.config), **variables) as serving:
        uri = f"{serving.doors()['credentials']}/credentials"
        yield replace(endpoint, full_uri=uri, token_file=token_file)


class Client:
    """A running client."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def caller(self) -> str:
        """Let it ask once more."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("again\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> str:
        """Let it end, and return what it wrote to stderr."""
        return self._process.communicate(timeout=30)[1]


Run = Callable[["Endpoint", Path], AbstractContextManager[Client]]


@pytest.fixture
def run() -> Run:
    """Give a function that runs the client with an endpoint and a token file."""

    @contextmanager
    def running(endpoint: "Endpoint", token_file: Path) -> Iterator[Client]:
        environment = {
            **endpoint.common,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.full_uri,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token_file),
        }
        pipe, words = subprocess.PIPE, [sys.executable, str(PROGRAM)]
        with subprocess.Popen(
            words, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        ) as process:
            try:
                yield Client(process)
            finally:
                process.kill()

    return running


@pytest.fixture
def replace_token(endpoint: "Endpoint", eventually: "Eventually") -> Callable[[], None]:
    """Give a function that replaces the token and returns when the old one is refused."""

    def replaced() -> None:
        headers = {"Authorization": endpoint.token_file.read_text()}
        other = endpoint.token_file.with_name("token.new")
        other.write_text(NEW)
        other.replace(endpoint.token_file)

        def old_is_refused() -> bool:
            try:
                urlopen(Request(endpoint.full_uri, headers=headers), timeout=10).close()
            except HTTPError as exc:
                exc.close()
                return exc.code == 401
            return False

        eventually(old_is_refused)

    return replaced


def test_after_the_token_file_was_replaced_it_gets_credentials_with_the_new_token(
    run: Run, endpoint: "Endpoint", replace_token: Callable[[], None], caller: str
) -> None:
    with run(endpoint, endpoint.token_file) as client:
        assert client.caller() == caller
        replace_token()
        assert client.caller() == caller
        assert client.end() == ""


def test_with_the_old_token_it_gets_no_more_credentials(
    run: Run, endpoint: "Endpoint", replace_token: Callable[[], None], caller: str
) -> None:
    old = endpoint.token_file.with_name("token.old")
    old.write_text(endpoint.token_file.read_text())
    with run(endpoint, old) as client:
        assert client.caller() == caller
        replace_token()
        assert client.caller() == caller
        assert STALE in client.end()
