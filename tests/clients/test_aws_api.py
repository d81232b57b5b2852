"""Clients that we did not write read and write through the aws-api door, told by variables only."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from tests.conftest import Aws, Serve

HERE = Path(__file__).parent
PROGRAMS, JS = HERE / "programs", HERE / "js"
PROGRAM_SECONDS = 60
TOKEN = "the-token-of-the-web-app"

Variables = dict[str, str]


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    out: list[str]
    err: str


@dataclass(frozen=True)
class Held:
    """A secret and a parameter that no other test uses, both with this value."""

    secret: str
    parameter: str
    value: str


def ran(words: list[str], variables: Variables, given: str = "") -> Ended:
    done = subprocess.run(
        words,
        env=variables,
        input=given,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout.split("\n")[:-1], done.stderr.strip())


@pytest.fixture(scope="module")
def variables(
    shared_aws: "Aws", serve: "Serve", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Variables]:
    """Give the variables by which an app finds both doors, and nothing else of AWS's."""
    directory = tmp_path_factory.mktemp("aws-api")
    allowed = {"Effect": "Allow", "Action": ["secretsmanager:*", "ssm:*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    role = shared_aws.stage.role_arn.rpartition("/")[2]
    iam = shared_aws.client("iam")
    iam.put_role_policy(RoleName=role, PolicyName="aws-api", PolicyDocument=document)
    options = {
        "SIDECAR_APPS_WEB_STATIC_TOKEN_FILE": str(directory / "token"),
        "SIDECAR_APPS_WEB_PARAMETERS": "/demo/*",
        "SIDECAR_DOORS_AWS_API": "127.0.0.1:0",
    }
    (directory / "token").write_text(TOKEN)
    with serve(directory, "--config", str(shared_aws.stage.config), **options) as serving:
        doors = serving.doors()
        yield {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{doors['credentials']}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": doors["aws_api"],
            "AWS_ENDPOINT_URL_SSM": doors["aws_api"],
            "AWS_REGION": shared_aws.stage.region,
            "AWS_DEFAULT_REGION": shared_aws.stage.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(directory),
        }
    iam.delete_role_policy(RoleName=role, PolicyName="aws-api")


@pytest.fixture
def held(aws: "Aws") -> Held:
    value = f"value-{uuid4().hex}"
    secret = aws.new_secret(value)
    parameter = f"/demo/{uuid4().hex}"
    aws.client("ssm").put_parameter(Name=parameter, Value=value, Type="String")
    aws.emulator.clear_calls()
    return Held(secret, parameter, value)


Reading = Callable[[Variables, str, str], Ended]


def with_boto3(variables: Variables, secret: str, parameter: str) -> Ended:
    return ran(
        [sys.executable, str(PROGRAMS / "reading_with_boto3.py"), secret, parameter], variables
    )


def with_the_cli(variables: Variables, secret: str, parameter: str) -> Ended:
    cli = [sys.executable, "-m", "awscli"]
    of_secret = ["secretsmanager", "get-secret-value", "--secret-id", secret]
    of_parameter = ["ssm", "get-parameter", "--name", parameter]
    asked = (
        [*of_secret, "--query", "SecretString", "--output", "text"],
        [*of_parameter, "--query", "Parameter.Value", "--output", "text"],
    )
    first, second = (ran([*cli, *words], variables) for words in asked)
    return Ended(max(first.code, second.code), first.out + second.out, first.err + second.err)


def with_javascript(variables: Variables, secret: str, parameter: str) -> Ended:
    node = shutil.which("node")
    if node is None or not (JS / "node_modules").is_dir():
        pytest.skip("the JavaScript SDK needs node and what .ci/js-clients installs")
    return ran([node, "--no-warnings", str(JS / "read.mjs"), secret, parameter], variables)


@pytest.fixture(params=[with_boto3, with_the_cli, with_javascript])
def reading(request: pytest.FixtureRequest) -> Reading:
    """Give each client in turn."""
    chosen: Reading = request.param
    return chosen


def test_unmodified_code_is_answered_and_aws_is_asked_once(
    reading: Reading, variables: Variables, held: Held, aws: "Aws"
) -> None:
    for _ in range(2):
        ended = reading(variables, held.secret, held.parameter)
        assert (ended.code, ended.out, ended.err) == (0, [held.value, held.value], "")
    assert aws.emulator.calls() == {"secretsmanager.GetSecretValue": 1, "ssm.GetParameter": 1}


def test_what_the_policy_does_not_allow_is_an_error_that_the_client_knows(
    reading: Reading, variables: Variables, aws: "Aws"
) -> None:
    other = aws.new_secret("not for the app", folder="other")
    aws.emulator.clear_calls()
    ended = reading(variables, other, "/other/parameter")
    assert ended.code != 0
    assert "AccessDenied" in f"{ended.out}{ended.err}"
    assert aws.emulator.calls() == {}


def test_keys_that_the_sidecar_did_not_give_are_an_error_that_the_client_knows(
    reading: Reading, variables: Variables, held: Held, aws: "Aws"
) -> None:
    administrator = aws.emulator.administrator
    own = {
        "AWS_ACCESS_KEY_ID": administrator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": administrator.secret_access_key.reveal(),
    }
    ended = reading({**variables, **own}, held.secret, held.parameter)
    assert ended.code != 0
    assert "UnrecognizedClientException" in f"{ended.out}{ended.err}"
    assert aws.emulator.calls() == {}


def test_an_app_reads_what_it_has_just_written(variables: Variables, held: Held) -> None:
    words = [sys.executable, str(PROGRAMS / "writing_with_boto3.py"), held.secret, held.parameter]
    ended = ran(words, variables, "one\ntwo\nthree\n")
    assert (ended.code, ended.out, ended.err) == (0, ["one one", "two two", "three three"], "")


def test_the_token_may_stand_in_a_file(variables: Variables, held: Held) -> None:
    by_file = {k: v for k, v in variables.items() if k != "AWS_CONTAINER_AUTHORIZATION_TOKEN"}
    by_file["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = f"{variables['HOME']}/token"
    assert with_boto3(by_file, held.secret, held.parameter).out == [held.value, held.value]


def test_no_registry_is_named_where_the_javascript_packages_are_pinned() -> None:
    text = (JS / "package-lock.json").read_text()
    assert '"integrity"' in text
    assert "://" not in text
    assert '"resolved"' not in text
