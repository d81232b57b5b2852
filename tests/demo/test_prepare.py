"""`sidecar demo --prepare` sets the stage at an emulator that runs already."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from sidecar.demo.administrator import administrator
from sidecar.demo.application_data import MODEL, MODELS
from sidecar.demo.process import daemon
from sidecar.demo.stage import ROLE_NAME, Places, set_stage

PREPARE_SECONDS = 60


@dataclass(frozen=True)
class Emulator:
    """An emulator's address, and what its administrator calls it with."""

    url: str
    session: boto3.session.Session

    def client(self, service: str) -> Any:
        connect: Any = self.session.client
        return connect(service, endpoint_url=self.url)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Give an emulator for these tests alone, in a process of its own.

    A stage set anew takes the old one's place, and buckets of one process have one name each.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
    log = tmp_path_factory.mktemp("emulator") / "log"
    with daemon(["emulator", "--port", "0", "--region", "eu-central-1"], inherited, log) as started:
        url = started.line_with("listening on").rsplit(" ", 1)[-1]
        yield Emulator(url, administrator(url))


@dataclass(frozen=True)
class Prepared:
    """How the command ended, and where it wrote."""

    ended: "subprocess.CompletedProcess[str]"
    directory: Path


@pytest.fixture(scope="module")
def prepared(
    emulator: Emulator, leading_astray: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Prepared:
    """Run the command in an environment that leads elsewhere, and so does the home's profile."""
    home, directory = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("prepared")
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text("[default]\nendpoint_url = http://127.0.0.1:1\nregion = x\n")
    words = ["demo", "--prepare", str(directory), "--endpoint-url", emulator.url]
    ended = subprocess.run(
        [sys.executable, "-m", "sidecar", *words],
        env={**leading_astray, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=PREPARE_SECONDS,
        check=False,
    )
    return Prepared(ended, directory)


def test_it_finds_its_emulator_whatever_the_environment_leads_to(prepared: Prepared) -> None:
    config = str(prepared.directory / "sidecar.toml")
    assert (prepared.ended.returncode, prepared.ended.stderr) == (0, "")
    assert prepared.ended.stdout == f"{config}\n"
    written = {each.name for each in prepared.directory.iterdir()}
    assert written == {"sidecar.toml", "token", "workload.key", "workload.pem"}


def test_its_role_may_do_what_the_programs_do_and_no_more(
    prepared: Prepared, emulator: Emulator
) -> None:
    iam = emulator.client("iam")
    policy = iam.get_role_policy(RoleName=ROLE_NAME, PolicyName="demo")["PolicyDocument"]
    allowed = {each["Action"]: each["Resource"] for each in policy["Statement"]}
    assert [action for action, resource in allowed.items() if resource == "*"] == [
        "s3:ListAllMyBuckets"
    ]
    assert allowed["s3:GetObject"] == f"arn:aws:s3:::{MODELS}/*"
    assert allowed["kms:Decrypt"].endswith(key_of_model(emulator))
    assert prepared.ended.returncode == 0


def key_of_model(emulator: Emulator) -> str:
    stored = emulator.client("s3").head_object(Bucket=MODELS, Key=MODEL)
    return str(stored["Metadata"]["key-id"])


def test_prepared_again_the_model_keeps_its_key_and_the_secret_gets_a_new_value(
    prepared: Prepared, emulator: Emulator, tmp_path: Path
) -> None:
    manager = emulator.client("secretsmanager")
    key, value = key_of_model(emulator), manager.get_secret_value(SecretId="demo/database")
    stage = set_stage(Places(tmp_path, emulator.url), datetime.now(UTC))
    renewed = manager.get_secret_value(SecretId="demo/database")["SecretString"]
    assert renewed == stage.secret_value.reveal() != value["SecretString"]
    assert [each["KeyArn"] for each in emulator.client("kms").list_keys()["Keys"]] == [key]
    assert prepared.ended.returncode == 0
