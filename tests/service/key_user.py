"""An IAM user whose key is in a secret, for sidecars that serve that key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from tests.conftest import Aws

EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)


@dataclass
class KeyUser:
    """A user who may do everything, with the administrator's hand on its keys and its secret."""

    aws: "Aws"
    name: str
    secret_id: str = ""

    def new_key(self) -> dict[str, str]:
        """Make a key, and give what the secret holds of it."""
        key = self.aws.client("iam").create_access_key(UserName=self.name)["AccessKey"]
        return {
            "user_name": self.name,
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }

    def put(self, value: dict[str, str]) -> None:
        """Make a value the secret's current one."""
        self.aws.client("secretsmanager").put_secret_value(
            SecretId=self.secret_id, SecretString=json.dumps(value)
        )

    def current(self) -> str:
        """Give the id of the key in the secret."""
        reply = self.aws.client("secretsmanager").get_secret_value(
            SecretId=self.secret_id, VersionStage="AWSCURRENT"
        )
        found: str = json.loads(reply["SecretString"])["aws_access_key_id"]
        return found

    def make_inactive(self, access_key_id: str) -> None:
        """Let AWS refuse a key from now on."""
        self.aws.client("iam").update_access_key(
            UserName=self.name, AccessKeyId=access_key_id, Status="Inactive"
        )

    def rotated_by_hand(self) -> dict[str, str]:
        """Put a new key in the secret and make the one before inactive; gives the new one."""
        before, value = self.current(), self.new_key()
        self.put(value)
        self.make_inactive(before)
        return value


@contextmanager
def key_user(aws: "Aws") -> Iterator[KeyUser]:
    """Make a user, and remove it with all its keys."""
    user, iam = KeyUser(aws, f"batch-{uuid4().hex}"), aws.client("iam")
    iam.create_user(UserName=user.name)
    iam.put_user_policy(UserName=user.name, PolicyName="all", PolicyDocument=EVERYTHING)
    yield user
    for key in iam.list_access_keys(UserName=user.name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=user.name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=user.name, PolicyName="all")
    iam.delete_user(UserName=user.name)
