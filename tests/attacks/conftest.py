"""One sidecar for all attacks, on the emulator: apps with own roles, and two that share one."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sidecar.access.imds_token import TOKEN_LENGTH
from sidecar.ca import Subject, certificate_pem, create_root, issue_workload, private_key_pem
from sidecar.clock import SystemClock
from sidecar.config.load import load_config
from sidecar.credentials import Credentials
from sidecar.demo.stage import trust_policy
from sidecar.preflight import prepare
from sidecar.service import Sidecar, running_sidecar
from sidecar.web.configured_doors import Opening
from sidecar.web.listener import ConnectionLimits
from tests.attacks.requests import ask
from tests.attacks.world import ANSWER_SECONDS, Actor, World
from tests.conftest import HeardAudit

if TYPE_CHECKING:
    from tests.conftest import Aws

# From an app to its role: two have one role and a session each, two have one session.
APPS: Final = {
    "web": "web",
    "batch": "batch",
    "box": "box",
    "north": "pair",
    "south": "pair",
    "east": "common",
    "west": "common",
}
SHARED_SESSION: Final = "common"
# The sidecar writes and renews their tokens; the others' are made by hand.
WITH_TOKEN_FILE: Final = ("web", "south")


@dataclass(frozen=True)
class Registered:
    """What the emulator knows: a CA with a certificate, the roles, and each app's values."""

    directory: Path
    arns: dict[str, str]
    roles: dict[str, str]
    secrets: dict[str, tuple[str, str, str]]
    parameters: dict[str, tuple[str, str, str]]


@pytest.fixture(scope="session")
def registered(shared_aws: "Aws", tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """Make a role for each name, which itself may read every secret: only the sidecar says no."""
    directory = tmp_path_factory.mktemp("attacks")
    now = datetime.now(UTC)
    authority = create_root(Subject("Attacks"), now=now, validity=timedelta(days=9))
    leaf, key = issue_workload(authority, Subject("host"), now=now, validity=timedelta(days=1))
    (directory / "workload.pem").write_bytes(certificate_pem(leaf))
    (directory / "workload.key").touch(mode=0o600)
    (directory / "workload.key").write_bytes(private_key_pem(key))
    anywhere = shared_aws.client("rolesanywhere")
    pem = certificate_pem(authority.certificate).decode()
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}
    made = anywhere.create_trust_anchor(name="attacks", source=source, enabled=True)
    anchor = made["trustAnchor"]["trustAnchorArn"]
    roles = {name: _role(shared_aws, name, anchor) for name in {*APPS.values(), "reader"}}
    listed = list(roles.values())
    profile = anywhere.create_profile(name="attacks", roleArns=listed, enabled=True)["profile"]
    arns = {"trust_anchor_arn": anchor, "profile_arn": profile["profileArn"]}
    secrets = {app: _secret(shared_aws, app) for app in APPS}
    both = {"Name": "attacks/both", "SecretString": "what everybody may read"}
    shared_aws.client("secretsmanager").create_secret(**both)
    parameters = {app: _parameter(shared_aws, app) for app in APPS}
    return Registered(directory, arns, roles, secrets, parameters)


def _role(aws: "Aws", name: str, anchor: str) -> str:
    iam, role = aws.client("iam"), f"attacks-{name}"
    trust = trust_policy(anchor)
    chained = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust["Statement"].append(chained)
    made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    actions = ["secretsmanager:*", "ssm:*", "sts:AssumeRole"]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=document)
    arn: str = made["Role"]["Arn"]
    return arn


def _secret(aws: "Aws", app: str) -> tuple[str, str, str]:
    name, value = f"attacks/{app}/database", f"canary-secret-of-{app}-{uuid4().hex}"
    made = aws.client("secretsmanager").create_secret(Name=name, SecretString=value)
    return name, made["ARN"], value


def _parameter(aws: "Aws", app: str) -> tuple[str, str, str]:
    name, value = f"/attacks/{app}/url", f"canary-parameter-of-{app}-{uuid4().hex}"
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=name, Value=value, Type="SecureString")
    return name, ssm.get_parameter(Name=name)["Parameter"]["ARN"], value


@pytest.fixture(scope="session")
def token_key() -> Ed25519PrivateKey:
    """Give the key that the sidecar signs tokens with."""
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def configured(
    registered: Registered, token_key: Ed25519PrivateKey, shared_aws: "Aws"
) -> dict[str, str]:
    """Write the configuration, and give the variables that go with it."""
    pem = token_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (registered.directory / "token.key").touch(mode=0o600)
    (registered.directory / "token.key").write_bytes(pem)
    text = _config(registered, shared_aws.emulator.url)
    (registered.directory / "sidecar.toml").write_text(text)
    handmade = (app for app in APPS if app not in WITH_TOKEN_FILE)
    return {f"{app.upper()}_TOKEN": f"canary-token-of-{app}-{uuid4().hex}" for app in handmade}


def _config(registered: Registered, endpoint_url: str) -> str:
    """Write the sidecar.toml; JSON strings are TOML strings."""
    directory, dumps = registered.directory, json.dumps
    doors = ("credentials", "secrets", "aws_api", "metadata", "admin")
    lines = [
        f"[identity]\ncertificate = {dumps(str(directory / 'workload.pem'))}",
        f"private_key = {dumps(str(directory / 'workload.key'))}",
        f'[aws]\nregion = "us-east-1"\nendpoint_url = {dumps(endpoint_url)}',
        "[doors]",
        *(f'{door} = "127.0.0.1:0"' for door in doors),
        '[metadata]\napp = "box"\n[secrets]\nvia = "reader"',
        f"[tokens]\nkey_file = {dumps(str(directory / 'token.key'))}",
    ]
    for role, arn in registered.roles.items():
        own = {**registered.arns, "role_arn": arn}
        lines += [f"[roles.{role}]", *(f"{key} = {dumps(each)}" for key, each in own.items())]
        lines += ["shared_session = true"] if role == SHARED_SESSION else []
    for app, role in APPS.items():
        lines += [
            f"[apps.{app}]",
            f'roles = ["{role}"]',
            f'secrets = ["attacks/{app}/*", "attacks/both"]',
        ]
        lines += [f'parameters = ["/attacks/{app}/*"]']
        lines += [f"assume_roles = [{dumps(registered.roles[role])}]"] if app == "web" else []
        token_file = dumps(str(directory / "tokens" / app))
        written = app in WITH_TOKEN_FILE
        lines += [f"token_file = {token_file}" if written else f'token_env = "{app.upper()}_TOKEN"']
    return "\n".join([*lines, ""])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(
    registered: Registered, configured: dict[str, str], token_key: Ed25519PrivateKey
) -> AsyncIterator[World]:
    """Run the sidecar, with every session there."""
    audit, clock = HeardAudit(), SystemClock()
    loaded = load_config(registered.directory / "sidecar.toml", configured)
    prepared = prepare(loaded, configured, clock.now())
    limits = ConnectionLimits(idle_seconds=2.0, linger_seconds=0.05)
    running = running_sidecar(loaded.config, prepared, clock, opening=Opening(limits), audit=audit)
    async with running as sidecar:
        await _until(lambda: all(_has_session(sidecar, app) for app in APPS))
        tokens = registered.directory / "tokens"
        actors = {app: _actor(app, registered, sidecar, configured, tokens / app) for app in APPS}
        world = World(sidecar, audit, actors, token_key, "")
        yield replace(world, imds_token=await _imds_token(world))


async def _imds_token(world: World) -> str:
    ttl = "X-aws-ec2-metadata-token-ttl-seconds: 21600"
    asked = ask(world, "metadata", "/latest/api/token", ttl, method="PUT")
    return (await world.exchange("metadata", asked)).decode()[-TOKEN_LENGTH:]


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this never came true"
        await asyncio.sleep(0.02)


def _session(sidecar: Sidecar, app: str) -> Credentials:
    found = sidecar.access.callers.access.app(app)
    assert found is not None
    return sidecar.access.sessions.of(found, APPS[app]).current()


def _has_session(sidecar: Sidecar, app: str) -> bool:
    try:
        return bool(_session(sidecar, app))
    except Exception:  # noqa: BLE001 - whatever is missing, it is not there yet
        return False


def _actor(
    app: str, registered: Registered, sidecar: Sidecar, tokens: dict[str, str], token_file: Path
) -> Actor:
    secret, secret_arn, secret_value = registered.secrets[app]
    parameter, parameter_arn, parameter_value = registered.parameters[app]
    return Actor(
        name=app,
        role=APPS[app],
        role_arn=registered.roles[APPS[app]],
        token=tokens.get(f"{app.upper()}_TOKEN") or token_file.read_text(),
        secret=secret,
        secret_arn=secret_arn,
        parameter=parameter,
        parameter_arn=parameter_arn,
        values=(secret_value, parameter_value),
        session=partial(_session, sidecar, app),
    )
