"""The built zip, deployed by Lambda's own API, rotates and retires keys as its role."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import boto3
import pytest

from sidecar.rotation.goal import Retirement
from sidecar.rotation.retirement import RECORD_TAG, Record
from tests.conftest import Aws
from tests.rotation.conftest import Legacy
from tests.rotation.site import ON_THE_SECRET, ON_THE_USER

HANDLER: Final = "sidecar.rotation.lambda_handler.handler"
REAPER: Final = "sidecar.rotation.lambda_handler.reap_handler"
TRUST: Final = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Deployment:
    """A user, its secret, and what deploys functions for them."""

    aws: Aws
    batch: Legacy
    role: str
    zipped: Path

    def function(self, handler: str, **changed: str) -> str:
        """Deploy the zip with one of its handlers; gives the function's ARN."""
        variables = {
            "SECRET_ARN": self.batch.arn,
            "USER_NAME": self.batch.user,
            "GRACE_HOURS": "1",
            "RECOVERY_HOURS": "1",
        }
        made = self.aws.client("lambda").create_function(
            FunctionName=f"f-{uuid4().hex}",
            Runtime="python3.11",
            Role=self.role,
            Handler=handler,
            Code={"ZipFile": self.zipped.read_bytes()},
            Timeout=120,
            Environment={"Variables": variables | changed},
        )
        return str(made["FunctionArn"])

    def rotate(self, function: str) -> list[str]:
        """Have Secrets Manager rotate with a function; gives the names of the events."""
        self.aws.client("lambda").add_permission(
            FunctionName=function,
            StatementId="rotation",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
            SourceArn=self.batch.arn,
        )
        before = len(self.aws.emulator.rotation_events())
        self.batch.manager.rotate_secret(SecretId=self.batch.arn, RotationLambdaARN=function)
        self.aws.emulator.wait_for_rotations(120)
        return [each["eventName"] for each in self.aws.emulator.rotation_events()[before:]]

    def invoke(self, function: str) -> None:
        """Run a function once, as a schedule does."""
        functions = self.aws.emulator.control.rotation.functions
        functions.invoke(function, {"source": "aws.events"}, str(uuid4()))

    def note(self, **hours_ago: float) -> None:
        """Set back when the key was replaced, and perhaps made inactive."""
        now = datetime.now(UTC)
        labels = self.batch.manager.describe_secret(SecretId=self.batch.arn)["VersionIdsToStages"]
        current = next(key for key, each in labels.items() if "AWSCURRENT" in each)
        moments = {name: now - timedelta(hours=ago) for name, ago in hours_ago.items()}
        tag = {"Key": RECORD_TAG, "Value": str(Record(current, **moments))}
        self.batch.manager.tag_resource(SecretId=self.batch.arn, Tags=[tag])


@pytest.fixture
def deployment(aws: Aws, legacy: Callable[..., Legacy], zipped: Path) -> Iterator[Deployment]:
    """Give a user whose secret holds no key, and a role that may do what docs/rotation.md says."""
    hour = timedelta(hours=1)
    batch, iam = legacy(Retirement(grace=hour, recovery=hour)), aws.client("iam")
    name = f"rotate-{uuid4().hex}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
    user = iam.get_user(UserName=batch.user)["User"]["Arn"]
    allowed = policy(
        {"Effect": "Allow", "Action": ON_THE_SECRET, "Resource": batch.arn},
        {"Effect": "Allow", "Action": ON_THE_USER, "Resource": user},
    )
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=allowed)
    yield Deployment(aws, batch, role, zipped)
    iam.delete_role_policy(RoleName=name, PolicyName="inline")
    iam.delete_role(RoleName=name)
    aws.emulator.change_rotations(attempts=3)
    aws.emulator.change_iam()
    aws.emulator.move_clock(0)


def test_a_rotation_ends_with_a_new_key_that_works(deployment: Deployment) -> None:
    batch = deployment.batch
    names = deployment.rotate(deployment.function(HANDLER))
    assert names == ["RotationStarted", "RotationSucceeded"]
    assert batch.keys() == {batch.named_by("AWSCURRENT"): "Active"}
    assert _user_of(deployment).endswith(f":user/{batch.user}")


def test_another_secret_than_its_own_is_refused(deployment: Deployment) -> None:
    deployment.aws.emulator.change_rotations(attempts=1)
    function = deployment.function(HANDLER, SECRET_ARN=f"{deployment.batch.arn[:-6]}AbCdEf")
    assert deployment.rotate(function) == ["RotationStarted", "RotationFailed"]
    assert deployment.batch.keys() == {}


def test_the_reaper_makes_the_replaced_key_inactive_and_then_deletes_it(
    deployment: Deployment,
) -> None:
    batch = deployment.batch
    # Or the trials of this minute would count as use.
    deployment.aws.emulator.change_iam(last_used_lag_seconds=86_400)
    # No record counts from before the version was made.
    deployment.aws.emulator.move_clock(-6 * 3600)
    batch.keeper.rotate()
    old = batch.named_by("AWSCURRENT")
    batch.keeper.rotate()
    deployment.aws.emulator.move_clock(0)
    reaper = deployment.function(REAPER)
    deployment.note(since=0)
    deployment.invoke(reaper)
    assert batch.keys()[old] == "Active", "it is in its grace"
    deployment.note(since=2)
    deployment.invoke(reaper)
    assert batch.keys()[old] == "Inactive"
    deployment.note(since=4, inactive_since=2)
    deployment.invoke(reaper)
    assert batch.keys() == {batch.named_by("AWSCURRENT"): "Active"}


def _user_of(deployment: Deployment) -> str:
    """Ask AWS, with the secret's current key, whose it is."""
    batch, aws = deployment.batch, deployment.aws
    reply = batch.manager.get_secret_value(SecretId=batch.arn, VersionStage="AWSCURRENT")
    value = json.loads(reply["SecretString"])
    connect: Any = boto3.Session(
        aws_access_key_id=value["aws_access_key_id"],
        aws_secret_access_key=value["aws_secret_access_key"],
        region_name=aws.emulator.region,
    ).client
    client = connect("sts", endpoint_url=aws.emulator.url)
    return str(client.get_caller_identity()["Arn"])
