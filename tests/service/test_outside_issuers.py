"""A sidecar with apps that prove themselves by somebody else's tokens."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm

from sidecar.config.load import load_config
from sidecar.preflight import prepare
from sidecar.service import running_sidecar

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start

ISSUER = """
[issuers.cluster]
issuer = "https://cluster.example"
audience = "sidecar"
algorithms = "EdDSA"
jwks_file = "{}"

[apps.outside]
roles = ["default"]
secrets = ["elsewhere/*"]
issuer = "cluster"
subject = "outside"
"""


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    file = tmp_path / "cluster.jwks"
    file.write_text(json.dumps({"keys": [OKPAlgorithm.to_jwk(key, as_dict=True)]}))
    return file


@pytest.fixture
def config_file(aws: "Aws", tmp_path: Path, jwks: Path) -> Path:
    file = tmp_path / "sidecar.toml"
    file.write_text(aws.stage.config.read_text() + ISSUER.format(jwks))
    return file


def _replace(file: Path, content: str) -> None:
    file.with_suffix(".new").write_text(content)
    file.with_suffix(".new").replace(file)


async def test_the_keys_of_an_issuer_are_watched_while_the_sidecar_runs(
    config_file: Path, variables: dict[str, str], jwks: Path, clock_of_today: "ManualClock"
) -> None:
    clock = clock_of_today
    loaded = load_config(config_file, variables)
    prepared = prepare(loaded, variables, clock.now(), clock=clock)
    [issuer] = prepared.issuers
    async with running_sidecar(loaded.config, prepared, clock):
        _replace(jwks, "{}")
        await clock.advance(2)
        assert issuer.trouble == "is no JWKS: it has no list named keys"


def _read(url: str, session: dict[str, str], name: str) -> str:
    connect: Any = boto3.Session(
        session["AccessKeyId"], session["SecretAccessKey"], session["Token"], "us-east-1"
    ).client
    client = connect("secretsmanager", endpoint_url=url)
    value: str = client.get_secret_value(SecretId=name)["SecretString"]
    return value


async def test_an_outside_app_that_shares_a_role_limits_what_its_signature_reads(
    aws: "Aws", start: "Start", until: Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
) -> None:
    doors: Doors = await start()
    await until(doors.ready)
    _, session = await doors.credentials()
    name = aws.new_secret("canary")
    with pytest.raises(ClientError, match="AccessDenied"):
        await asyncio.to_thread(_read, doors.urls["aws_api"], session, name)
    assert (await doors.secret(name))[0] == 200
