"""A whole site on an emulator of its own: a role that may rotate, a user, and a configuration."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sidecar.demo.stage import ROLE_NAME, Places, set_stage
from sidecar.emulator.server import Emulator, running_emulator
from tests.conftest import Aws

USER: Final = "batch"
SECRET: Final = "demo/batch"
# What the role needs and nothing more, on one user and one secret.
ON_THE_SECRET: Final = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:PutSecretValue",
    "secretsmanager:TagResource",
    "secretsmanager:UpdateSecretVersionStage",
]
ON_THE_USER: Final = [
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
    "iam:ListAccessKeys",
    "iam:UpdateAccessKey",
]


@dataclass(frozen=True)
class Site:
    """The emulator, its administrator's hand, and the configuration of a sidecar."""

    aws: Aws
    config: Path
    arn: str

    @property
    def emulator(self) -> Emulator:
        """The emulator."""
        return self.aws.emulator

    def keys(self) -> dict[str, str]:
        """Give the status of each of the user's keys."""
        listed = self.aws.client("iam").list_access_keys(UserName=USER)["AccessKeyMetadata"]
        return {each["AccessKeyId"]: each["Status"] for each in listed}

    def current(self) -> str:
        """Give the key that applications are to use."""
        reply = self.aws.client("secretsmanager").get_secret_value(
            SecretId=SECRET, VersionStage="AWSCURRENT"
        )
        found: str = json.loads(reply["SecretString"])["aws_access_key_id"]
        return found


@contextmanager
def running_site(directory: Path, rotation: str, more: str = "") -> Iterator[Site]:
    """Set it up; `rotation` ends `[rotation."demo/batch"]`, and `more` is further sections."""
    with running_emulator() as emulator:
        free = "127.0.0.1:0"
        places = Places(directory, emulator.url, free, free, free, free)
        aws = Aws(emulator, set_stage(places, datetime.now(UTC)))
        arn = _provisioned(aws)
        config = aws.stage.config
        with config.open("a") as file:
            file.write(f'[rotation."{SECRET}"]\nuser_name = "{USER}"\n{rotation}\n{more}\n')
        yield Site(aws, config, arn)


def _provisioned(aws: Aws) -> str:
    iam = aws.client("iam")
    user: str = iam.create_user(UserName=USER)["User"]["Arn"]
    reply = aws.client("secretsmanager").create_secret(
        Name=SECRET, SecretString=json.dumps({"user_name": USER})
    )
    arn: str = reply["ARN"]
    role = [_allow(ON_THE_SECRET, arn), _allow(ON_THE_USER, user)]
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="rotates", PolicyDocument=_policy(role))
    own = [_allow(["s3:ListAllMyBuckets"], "*"), _allow(["secretsmanager:GetSecretValue"], arn)]
    iam.put_user_policy(UserName=USER, PolicyName="works", PolicyDocument=_policy(own))
    return arn


def _allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
