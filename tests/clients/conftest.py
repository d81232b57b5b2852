"""A `sidecar serve` process, and programs with AWS's SDKs in otherwise empty environments."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.demo.application_data import JOB_VARIABLES
from sidecar.demo.process import PROGRAMS as DEMO

if TYPE_CHECKING:
    from tests.conftest import Aws, Serve

PROGRAM_SECONDS = 60
PROGRAMS = Path(__file__).parent / "programs"
CLI = (
    ["sts", "get-caller-identity", "--query", "Arn"],
    ["s3api", "list-buckets", "--query", "Buckets[].Name"],
)


Variables = dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def seen(self) -> tuple[str, bool]:
        """Who it was, and whether it saw the bucket that is there among those of other tests."""
        caller, _, buckets = self.out.partition("\n")
        return caller, "demo-reports" in buckets.split()


@dataclass(frozen=True)
class Endpoint:
    """Where an application gets its credentials, and what it needs besides."""

    full_uri: str
    token_file: Path
    common: Variables


Client = Callable[[Variables], Outcome]


def _ended(words: list[str], environment: Variables) -> Outcome:
    done = subprocess.run(
        [sys.executable, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.strip(), done.stderr.strip())


@pytest.fixture
def boto3_client() -> Client:
    """Give a function that asks STS and S3 through boto3, in exactly these variables."""
    return lambda variables: _ended([str(PROGRAMS / "with_boto3.py")], variables)


@pytest.fixture
def aiobotocore_client() -> Client:
    """Give the same through aiobotocore."""
    return lambda variables: _ended([str(PROGRAMS / "with_aiobotocore.py")], variables)


@pytest.fixture
def cli_client() -> Client:
    """Give the same through the AWS CLI, one process for each question."""

    def ask(variables: Variables) -> Outcome:
        outcomes = [
            _ended(["-m", "awscli", *words, "--output", "text"], variables) for words in CLI
        ]
        return Outcome(
            max(each.code for each in outcomes),
            "\n".join(each.out for each in outcomes),
            "".join(each.err for each in outcomes),
        )

    return ask


@pytest.fixture(params=["boto3_client", "aiobotocore_client", "cli_client"])
def client(request: pytest.FixtureRequest) -> Client:
    """Give each client in turn."""
    chosen: Client = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def job() -> Client:
    """Give a function that runs the demo's job with an encrypted model, in these variables."""
    return lambda variables: _ended(
        [str(DEMO / "score_with_model.py")], {**variables, **JOB_VARIABLES}
    )


@pytest.fixture
def caller(shared_aws: "Aws") -> str:
    """Give the ARN of the role's session, by which AWS must know every client."""
    role = shared_aws.stage.role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
    return f"{role}/{shared_aws.stage.session_name}"


@pytest.fixture(scope="session")
def endpoint(
    shared_aws: "Aws", serve: "Serve", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Endpoint]:
    """Give the credentials door of a sidecar that serves one app, with a token file of its own."""
    directory = tmp_path_factory.mktemp("clients")
    home = directory / "home"
    home.mkdir()
    token_file = directory / "token"
    token_file.write_text("the-first-token-of-the-app")
    variables = {"SIDECAR_APPS_WEB_STATIC_TOKEN_FILE": str(token_file)}
    with serve(directory, "--config", str(shared_aws.stage.config), **variables) as serving:
        common = {
            "AWS_ENDPOINT_URL": shared_aws.emulator.url,
            "AWS_DEFAULT_REGION": shared_aws.stage.region,
            "HOME": str(home),
        }
        yield Endpoint(f"{serving.doors()['credentials']}/credentials", token_file, common)
