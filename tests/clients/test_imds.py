"""Clients that we did not write get credentials and region from the metadata door, by one variable.

They have no token and no key, and IMDSv1 is no way out: the door does not speak it.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients.conftest import Client, Variables
    from tests.conftest import Aws, Eventually, Serve

HERE = Path(__file__).parent
PROGRAM, JS = HERE / "programs/imds_region_with_boto3.py", HERE / "js"
PROGRAM_SECONDS = 60
ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
V2_ONLY = {"AWS_EC2_METADATA_V1_DISABLED": "true"}


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    out: list[str]
    err: str


def ran(words: list[str], variables: "Variables") -> Ended:
    done = subprocess.run(
        words,
        env=variables,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout.splitlines(), done.stderr.strip())


@pytest.fixture(scope="module")
def doors(
    shared_aws: "Aws",
    serve: "Serve",
    eventually: "Eventually",
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """Give the URLs of a ready sidecar whose metadata door is open."""
    directory = tmp_path_factory.mktemp("imds")
    options = {"SIDECAR_DOORS_METADATA": "127.0.0.1:0"}
    with serve(directory, "--config", str(shared_aws.stage.config), **options) as serving:
        eventually(lambda: "new session until" in serving.log.read_text())
        yield serving.doors()


@pytest.fixture
def variables(doors: dict[str, str], shared_aws: "Aws", tmp_path: Path) -> "Variables":
    """Give the one variable that matters, and where AWS is."""
    return {
        ENDPOINT: f"{doors['metadata']}/",
        "AWS_ENDPOINT_URL": shared_aws.emulator.url,
        "HOME": str(tmp_path),
    }


@pytest.fixture
def with_region(variables: "Variables", shared_aws: "Aws") -> "Variables":
    return {**variables, "AWS_DEFAULT_REGION": shared_aws.stage.region}


@pytest.mark.parametrize("more", [{}, V2_ONLY], ids=["as it comes", "IMDSv1 disabled"])
def test_an_unmodified_client_is_the_role(
    client: "Client", with_region: "Variables", more: "Variables", caller: str
) -> None:
    outcome = client({**with_region, **more})
    assert (outcome.code, outcome.err, outcome.seen) == (0, "", (caller, True))


@pytest.mark.parametrize("end", ["", "/"], ids=["without", "with"])
def test_the_endpoint_is_taken_with_and_without_a_slash_at_its_end(
    end: str, boto3_client: "Client", with_region: "Variables", caller: str
) -> None:
    endpoint = with_region[ENDPOINT].rstrip("/") + end
    outcome = boto3_client({**with_region, ENDPOINT: endpoint})
    assert (outcome.code, outcome.out.splitlines()[0]) == (0, caller)


def test_a_client_that_may_not_ask_has_no_credentials(
    boto3_client: "Client", with_region: "Variables"
) -> None:
    outcome = boto3_client({**with_region, "AWS_EC2_METADATA_DISABLED": "true"})
    assert outcome.code != 0
    assert "Unable to locate credentials" in outcome.err


def test_botocore_learns_the_region_too(
    variables: "Variables", shared_aws: "Aws", caller: str
) -> None:
    ended = ran([sys.executable, str(PROGRAM)], variables)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == [shared_aws.stage.region, caller]


def test_the_cli_says_that_it_has_the_credentials_of_an_instance(with_region: "Variables") -> None:
    words = [sys.executable, "-m", "awscli", "configure", "list"]
    ended = ran(words, {**with_region, **V2_ONLY})
    assert (ended.code, ended.err) == (0, "")
    (key,) = [line.split() for line in ended.out if "access_key" in line]
    assert "iam-role" in key


@pytest.fixture
def node() -> str:
    found = shutil.which("node")
    if found is None or not (JS / "node_modules").is_dir():
        pytest.skip("the JavaScript SDK needs node and what .ci/js-clients installs")
    return found


@pytest.mark.parametrize("more", [{}, V2_ONLY], ids=["as it comes", "IMDSv1 disabled"])
def test_the_javascript_sdk_has_credentials_and_region_and_signs_for_the_aws_api_door(
    node: str, variables: "Variables", more: "Variables", doors: dict[str, str], aws: "Aws"
) -> None:
    secret = aws.new_secret("a value")
    api = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_SSM")
    told = {**variables, **more, **dict.fromkeys(api, doors["aws_api"])}
    ended = ran([node, "--no-warnings", str(JS / "read.mjs"), secret, "/none"], told)
    # The app may read no parameter: an answer of the door's own, to a signature that it knew.
    assert (ended.code, ended.out, ended.err) == (1, ["a value"], "AccessDeniedException")


def test_the_javascript_sdk_has_neither_when_it_may_not_ask(
    node: str, variables: "Variables", doors: dict[str, str]
) -> None:
    told = {**variables, "AWS_EC2_METADATA_DISABLED": "true"}
    ended = ran([node, "--no-warnings", str(JS / "read.mjs"), "a", "/b"], told)
    assert (ended.code, ended.out) == (1, [])
