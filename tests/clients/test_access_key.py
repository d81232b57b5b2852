"""Clients that we did not write work with an IAM user's key, which has no session token."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from sidecar.demo.stage import ROLE_NAME

if TYPE_CHECKING:
    from tests.clients.conftest import Client, Variables
    from tests.conftest import Aws, Serve

NAME, TOKEN = "batch-user", "the-token-of-the-app"
ACTIONS = ["s3:ListAllMyBuckets", "secretsmanager:GetSecretValue", "ssm:GetParameter"]
ALLOWED = {"Effect": "Allow", "Action": ACTIONS, "Resource": "*"}
JS = Path(__file__).parent / "js"


@pytest.fixture(scope="module")
def user(shared_aws: "Aws") -> Iterator[dict[str, str]]:
    """Give a user who may list buckets, as a secret holds him."""
    iam = shared_aws.client("iam")
    iam.create_user(UserName=NAME)
    document = json.dumps({"Version": "2012-10-17", "Statement": [ALLOWED]})
    iam.put_user_policy(UserName=NAME, PolicyName="list", PolicyDocument=document)
    # The aws-api door reads with the role that reads secrets, whoever asks.
    role = {"RoleName": ROLE_NAME, "PolicyName": NAME}
    iam.put_role_policy(**role, PolicyDocument=document)
    key = iam.create_access_key(UserName=NAME)["AccessKey"]
    yield {
        "user_name": NAME,
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    iam.delete_role_policy(**role)
    iam.delete_access_key(UserName=NAME, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=NAME, PolicyName="list")
    iam.delete_user(UserName=NAME)


@pytest.fixture(scope="module")
def variables(
    user: dict[str, str],
    shared_aws: "Aws",
    serve: "Serve",
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Variables"]:
    """Give the variables of an app that finds the user's key at the credentials door."""
    directory = tmp_path_factory.mktemp("access-key")
    (directory / "token").write_text(TOKEN)
    secret_id = shared_aws.new_secret(json.dumps(user))
    role = f'[roles.legacy]\nsource = "access-key-secret"\nsecret_id = "{secret_id}"\n'
    config = directory / "sidecar.toml"
    config.write_text(f'{shared_aws.stage.config.read_text()}\n{role}via = "default"\n')
    options = {
        "SIDECAR_APPS_WEB_ROLES": "default,legacy",
        "SIDECAR_APPS_WEB_PARAMETERS": "/demo/*",
        "SIDECAR_DOORS_AWS_API": "127.0.0.1:0",
        "SIDECAR_APPS_WEB_STATIC_TOKEN_FILE": str(directory / "token"),
    }
    with serve(directory, "--config", str(config), **options) as serving:
        doors = serving.doors()
        yield {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{doors['credentials']}/credentials/legacy",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": doors["aws_api"],
            "AWS_ENDPOINT_URL_SSM": doors["aws_api"],
            "AWS_REGION": shared_aws.stage.region,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
            "AWS_ENDPOINT_URL": shared_aws.emulator.url,
            "AWS_DEFAULT_REGION": shared_aws.stage.region,
            "HOME": str(directory),
        }


def test_an_unmodified_client_is_the_user(client: "Client", variables: "Variables") -> None:
    outcome = client(variables)
    assert (outcome.code, outcome.err) == (0, "")
    caller, sees_the_bucket = outcome.seen
    assert caller.endswith(f":user/{NAME}")
    assert sees_the_bucket


def test_the_javascript_sdk_signs_with_it_at_the_aws_api_door(
    variables: "Variables", shared_aws: "Aws"
) -> None:
    node = shutil.which("node")
    if node is None or not (JS / "node_modules").is_dir():
        pytest.skip("the JavaScript SDK needs node and what .ci/js-clients installs")
    secret, parameter = shared_aws.new_secret("hunter2"), f"/demo/{uuid4().hex}"
    shared_aws.client("ssm").put_parameter(Name=parameter, Value="hunter3", Type="String")
    words = [node, "--no-warnings", str(JS / "read.mjs"), secret, parameter]
    ended = subprocess.run(
        words, env=variables, capture_output=True, text=True, timeout=60, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "hunter2\nhunter3\n", "")
