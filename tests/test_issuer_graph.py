"""Outside issuers as they are made from a configuration: with their apps, and only when sound."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from sidecar.access.kept_key_set import KeptKeySet, KeyUrl
from sidecar.access.key_set import parse_key_set
from sidecar.access.outside_issuer import OutsideIssuer
from sidecar.access.refused import TokenNotAccepted
from sidecar.access_preflight import prepare_access
from sidecar.config.load import Loaded, load_config
from sidecar.errors import ConfigError
from sidecar.preflight import Prepared, prepare

if TYPE_CHECKING:
    from tests.conftest import ManualClock

HINT = (
    "it must be the issuer's JWKS with public keys; kubectl get --raw /openid/v1/jwks gives a "
    "cluster's"
)
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = {**json.loads(ECAlgorithm.to_jwk(KEY.public_key())), "kid": "first"}
VARIABLES = {"BATCH_TOKEN": "canary-token-of-batch"}
CONFIG = """
[aws]
region = "eu-central-1"

[roles.default]
source = "web-identity"
token_file = "token"
role_arn = "arn:aws:iam::123456789012:role/web"

[issuers.cluster]
issuer = "https://cluster.example"
audience = "credential-sidecar"
algorithms = "ES256"
max_lifetime_seconds = 3600
KEYS

[apps.web]
roles = ["default"]
secrets = ["prod/web/*"]
issuer = "cluster"
subject = "system:serviceaccount:prod:web"
claims = { "/kubernetes.io/namespace" = "prod" }

[apps.batch]
token_env = "BATCH_TOKEN"
"""


@dataclass(frozen=True)
class Machine:
    """A machine whose apps prove themselves by the tokens of a cluster."""

    directory: Path
    clock: "ManualClock"

    @property
    def jwks(self) -> Path:
        return self.directory / "cluster.jwks"

    def loaded(self, keys: str = "") -> Loaded:
        file = self.directory / "sidecar.toml"
        file.write_text(CONFIG.replace("KEYS", keys or f'jwks_file = "{self.jwks}"'))
        return load_config(file, {})

    def prepare(self, keys: str = "") -> Prepared:
        return prepare(self.loaded(keys), VARIABLES, self.clock.now(), clock=self.clock)

    def issuers(self, keys: str = "") -> list[OutsideIssuer]:
        outside = self.prepare(keys).access.access.outside
        return [each for each in outside if isinstance(each, OutsideIssuer)]

    def problem(self, keys: str = "") -> tuple[str, str]:
        with pytest.raises(ConfigError) as caught:
            self.prepare(keys)
        [problem] = caught.value.problems
        return str(problem), problem.hint

    def token(self, namespace: str = "prod", seconds: int = 600) -> str:
        claims = {
            "iss": "https://cluster.example",
            "aud": ["credential-sidecar"],
            "sub": "system:serviceaccount:prod:web",
            "iat": self.clock.now(),
            "exp": self.clock.now() + timedelta(seconds=seconds),
            "kubernetes.io": {"namespace": namespace},
        }
        return jwt.encode(claims, KEY, algorithm="ES256", headers={"kid": "first"})


@pytest.fixture
def machine(tmp_path: Path, clock: "ManualClock") -> Machine:
    machine = Machine(tmp_path, clock)
    machine.jwks.write_text(json.dumps({"keys": [PUBLIC]}))
    return machine


async def test_an_app_is_proved_by_a_token_of_its_issuer(machine: Machine) -> None:
    [issuer] = machine.issuers()
    app = (await issuer.identify(machine.token(), machine.clock.now())).app
    assert (app.name, app.roles, app.secrets) == ("web", ("default",), ("prod/web/*",))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"namespace": "test"}, "no app has its subject and claims"),
        ({"seconds": 3601}, "it lives longer than 3600 s"),
    ],
)
async def test_what_the_configuration_asks_for_counts(
    machine: Machine, change: dict[str, object], reason: str
) -> None:
    [issuer] = machine.issuers()
    token: Callable[..., str] = machine.token
    with pytest.raises(TokenNotAccepted) as caught:
        await issuer.identify(token(**change), machine.clock.now())
    assert caught.value.reason == f"issuer cluster: {reason}"


def test_an_app_of_an_issuer_is_one_of_the_apps_and_has_no_token_here(machine: Machine) -> None:
    access = machine.prepare().access.access
    assert [app.name for app in access.apps] == ["web", "batch"]
    shown = [access.static.app_for(each) for each in (VARIABLES["BATCH_TOKEN"].encode(), b"")]
    assert shown == [access.app("batch"), None]


def test_each_issuer_proves_its_own_apps_only(machine: Machine) -> None:
    other = '[issuers.other]\nissuer = "https://other.example"\naudience = "a"\n'
    app = '[apps.third]\nissuer = "other"\nsubject = "third"\n'
    keys = f'jwks_file = "{machine.jwks}"\n'
    issuers = machine.issuers(f"{keys}{other}{keys}{app}")
    found = {each.rules.name: [app.app.name for app in each.apps] for each in issuers}
    assert found == {"cluster": ["web"], "other": ["third"]}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is not JSON"),
        (b'{"keys": []}', "has no key that can be used"),
        (
            json.dumps({"keys": [{**PUBLIC, "d": "canary"}]}).encode(),
            "has a private key, key 1: only public ones belong there",
        ),
    ],
)
def test_a_file_without_keys_is_told_of_before_a_door_opens(
    machine: Machine, content: bytes | None, what: str
) -> None:
    machine.jwks.unlink()
    if content is not None:
        machine.jwks.write_bytes(content)
    assert machine.problem() == (f"issuers.cluster.jwks_file: {machine.jwks} {what}", HINT)


def test_an_address_is_not_asked_before_the_sidecar_runs(machine: Machine) -> None:
    [issuer] = machine.issuers('jwks_url = "https://cluster.invalid/jwks"')
    assert issuer.trouble is None


def test_cas_that_cannot_be_read_are_told_of(machine: Machine) -> None:
    keys = 'jwks_url = "https://cluster.invalid/jwks"\nca_bundle = "/none.pem"'
    assert machine.problem(keys) == (
        "issuers.cluster.ca_bundle: CA bundle /none.pem cannot be used: No such file or directory",
        "name a readable PEM file",
    )


def test_a_missing_place_of_keys_is_told_of_once(machine: Machine) -> None:
    assert machine.problem("leeway_seconds = 1") == (
        "issuers.cluster: does not say where its keys are",
        "set exactly one of jwks_file and jwks_url",
    )


@pytest.mark.parametrize(("path", "kept"), [("jwks", True), ("elsewhere", False)])
def test_a_reload_takes_over_issuers_and_keeps_keys_that_come_from_the_same_address(
    machine: Machine, path: str, *, kept: bool
) -> None:
    [old] = machine.issuers('jwks_url = "https://cluster.invalid/jwks"')
    held = parse_key_set(machine.jwks.read_bytes())
    keys = KeptKeySet("cluster", KeyUrl(old.keys.where, _nothing, 300), machine.clock, held)
    before = machine.prepare().access.access
    before = replace(before, outside=(OutsideIssuer(old.rules, old.apps, keys),))
    url = f'jwks_url = "https://cluster.invalid/{path}"\nleeway_seconds = 7'
    config = machine.loaded(url).config
    now, clock = machine.clock.now(), machine.clock
    after = prepare_access(config, VARIABLES, now, clock=clock, until_now=before).access
    [new] = [each for each in after.outside if isinstance(each, OutsideIssuer)]
    assert new.rules.leeway_seconds == 7
    assert new.keys.current == (held if kept else None)


async def _nothing() -> bytes:
    raise AssertionError("nobody asks here")
