"""Fixtures of rotation on the emulator: a secret, its user, and who keeps the key."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from sidecar.aws.key_clients import KeyClients, Place
from sidecar.clock import SystemClock
from sidecar.credentials import Credentials
from sidecar.redaction import Secret
from sidecar.rotation.aws_calls import AwsCalls
from sidecar.rotation.goal import Retirement, Target
from sidecar.rotation.keeper import Keeper
from tests.conftest import Aws

ROOT: Final = Path(__file__).parents[2]
BUILD: Final = ROOT / "deploy/lambda/build_zip.py"
_numbers: Final = count()
SHORT: Final = Retirement(grace=timedelta(0), recovery=timedelta(0))


@dataclass(frozen=True, slots=True)
class Legacy:
    """An IAM user whose key lives in a secret."""

    user: str
    arn: str
    keeper: Keeper
    iam: Any
    manager: Any

    def keys(self) -> dict[str, str]:
        """Give the status of each of the user's keys."""
        listed = self.iam.list_access_keys(UserName=self.user)["AccessKeyMetadata"]
        return {each["AccessKeyId"]: each["Status"] for each in listed}

    def named_by(self, label: str) -> Any:
        """Give the key that a label's version names."""
        reply = self.manager.get_secret_value(SecretId=self.arn, VersionStage=label)
        return json.loads(reply["SecretString"]).get("aws_access_key_id")


@pytest.fixture
def legacy(aws: Aws) -> Callable[..., Legacy]:
    """Give a function that makes a user and a secret that names it, perhaps with rules."""

    def make(rules: Retirement = SHORT) -> Legacy:
        user, iam, manager = (
            f"batch-{next(_numbers)}",
            aws.client("iam"),
            aws.client("secretsmanager"),
        )
        iam.create_user(UserName=user)
        text = json.dumps({"user_name": user, "note": "kept"})
        arn = manager.create_secret(Name=f"legacy/{user}", SecretString=text)["ARN"]
        keeper = Keeper(
            AwsCalls(clients_of(aws), SystemClock().now),
            Target(arn, user),
            rules,
            "this test",
            SystemClock().now,
            lambda _: None,
        )
        return Legacy(user, arn, keeper, iam, manager)

    return make


def clients_of(aws: Aws) -> KeyClients:
    """Give clients that ask with the administrator's hand."""
    administrator, now = aws.emulator.administrator, SystemClock().now()
    credentials = Credentials(
        administrator.access_key_id,
        administrator.secret_access_key,
        Secret(""),
        now,
        now + timedelta(hours=1),
        "",
        "",
    )
    place = Place(aws.emulator.region, lambda *_: aws.emulator.url)
    return KeyClients(place, lambda: credentials)


@pytest.fixture(scope="session")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the rotation function's zip."""
    target = tmp_path_factory.mktemp("lambda") / "dist/rotation.zip"
    subprocess.run([sys.executable, BUILD, target], check=True, capture_output=True)
    return target
