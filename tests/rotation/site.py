"""A whole site on the emulator: a role that may rotate, a user, and a configuration."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sidecar.demo.stage import ROLE_NAME
from tests.conftest import Aws

# What the role needs and nothing more, on one user and one secret.
ON_THE_SECRET: Final = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
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
    """An IAM user whose key is in a secret, and the configuration of a sidecar that rotates it."""

    aws: Aws
    config: Path
    user: str
    secret: str
    arn: str

    def keys(self) -> dict[str, str]:
        """Give the status of each of the user's keys."""
        listed = self.aws.client("iam").list_access_keys(UserName=self.user)["AccessKeyMetadata"]
        return {each["AccessKeyId"]: each["Status"] for each in listed}

    def current(self) -> str:
        """Give the key that applications are to use."""
        reply = self.aws.client("secretsmanager").get_secret_value(
            SecretId=self.arn, VersionStage="AWSCURRENT"
        )
        found: str = json.loads(reply["SecretString"])["aws_access_key_id"]
        return found


def new_site(aws: Aws, directory: Path, rotation: str = "", more: str = "") -> Site:
    """Set it up.

    Args:
        aws: the emulator.
        directory: where the configuration is written.
        rotation: further lines of its section `[rotation."<secret>"]`.
        more: further sections, in which ``SECRET`` stands for the secret.

    """
    user = f"batch-{uuid4().hex[:12]}"
    secret, arn = f"demo/{user}", _provisioned(aws, user)
    config = directory / "rotating.toml"
    section = f'[rotation."{secret}"]\nuser_name = "{user}"\n{rotation}\n'
    own = section + more.replace("SECRET", secret)
    config.write_text(f"{aws.stage.config.read_text()}\n{own}\n")
    return Site(aws, config, user, secret, arn)


def remove_role_policies(site: Site, *more: str) -> None:
    """Take from the role what it was given for a site, and further policies, where they are."""
    iam = site.aws.client("iam")
    there = set(iam.list_role_policies(RoleName=ROLE_NAME)["PolicyNames"])
    for name in {site.user, *more} & there:
        iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName=name)


def _provisioned(aws: Aws, name: str) -> str:
    """Make the user, its secret, and what both of them and the role may do."""
    iam = aws.client("iam")
    user: str = iam.create_user(UserName=name)["User"]["Arn"]
    reply = aws.client("secretsmanager").create_secret(
        Name=f"demo/{name}", SecretString=json.dumps({"user_name": name})
    )
    arn: str = reply["ARN"]
    role = [_allow(ON_THE_SECRET, arn), _allow(ON_THE_USER, user)]
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=name, PolicyDocument=_policy(role))
    own = [_allow(["s3:ListAllMyBuckets"], "*"), _allow(["secretsmanager:GetSecretValue"], arn)]
    iam.put_user_policy(UserName=name, PolicyName="works", PolicyDocument=_policy(own))
    return arn


def _allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
