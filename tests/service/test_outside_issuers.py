"""A sidecar with apps that prove themselves by somebody else's tokens."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm

from sidecar.access.outside_issuer import OutsideIssuer
from sidecar.config.load import load_config, read_config
from sidecar.preflight import prepare
from sidecar.service import running_sidecar

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start

KEY = ed25519.Ed25519PrivateKey.generate()
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


def _token(subject: str = "outside", seconds: int = 600) -> str:
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    claims = {"iss": "https://cluster.example", "aud": "sidecar", "sub": subject, "exp": ends}
    return jwt.encode(claims, KEY, algorithm="EdDSA")


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    file = tmp_path / "cluster.jwks"
    file.write_text(json.dumps({"keys": [OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)]}))
    return file


@pytest.fixture
def config_file(aws: "Aws", tmp_path: Path, jwks: Path) -> Path:
    file = tmp_path / "sidecar.toml"
    file.write_text(aws.stage.config.read_text() + ISSUER.format(jwks))
    return file


async def test_an_outside_token_gets_the_credentials_of_its_app_and_no_other_does(
    start: "Start", until: Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
) -> None:
    doors: Doors = await start()
    await until(doors.ready)
    status, session = await doors.credentials(_token())
    assert (status, session["Code"]) == (200, "Success")
    for refused in (_token("somebody"), _token(seconds=-60), f"{_token()[:-4]}AAAA"):
        assert (await doors.credentials(refused))[0] == 401


async def test_the_keys_of_an_issuer_are_watched_while_the_sidecar_runs_and_after_a_reload(
    config_file: Path, variables: dict[str, str], jwks: Path, clock_of_today: "ManualClock"
) -> None:
    clock = clock_of_today
    loaded = load_config(config_file, variables)
    prepared = prepare(loaded, variables, clock.now(), clock=clock)
    again = partial(read_config, config_file, variables)
    async with running_sidecar(loaded.config, prepared, clock, read_again=again) as sidecar:
        sidecar.reloading.reload()
        [issuer] = sidecar.access.callers.access.outside
        assert isinstance(issuer, OutsideIssuer)
        assert issuer not in prepared.access.access.outside
        _replace(jwks, "{}")
        await clock.advance(4)
        assert issuer.trouble == "is no JWKS: it has no list named keys"
        app = (await issuer.identify(_token(), clock.now())).app
        assert app.name == "outside"


def _replace(file: Path, content: str) -> None:
    file.with_suffix(".new").write_text(content)
    file.with_suffix(".new").replace(file)
