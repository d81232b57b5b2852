"""What the demo needs to exist: a CA, a certificate, and everything that AWS must know of them."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.exceptions
from botocore.config import Config as BotoConfig
from cryptography import x509

from sidecar.atomic_file import write_atomically
from sidecar.ca import Subject, certificate_pem, create_root, issue_workload, private_key_pem
from sidecar.demo.administrator import administrator
from sidecar.demo.application_data import (
    DATABASE,
    FUNCTION,
    MODELS,
    ApplicationData,
    put_application_data,
)
from sidecar.demo.own_environment import own_environment
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from botocore.client import BaseClient

ROLE_NAME: Final = "demo-web"
APP: Final = "web"

# No profile can be there, and a container's root file system may have no place to make one.
_NO_HOME: Final = Path("/nonexistent")
# Whom to trust is the caller's to say, for an emulator with --tls.
_KEPT: Final = frozenset({"AWS_CA_BUNDLE"})
_BOTO_CONFIG: Final = BotoConfig(connect_timeout=5, read_timeout=10, retries={"mode": "standard"})


@dataclass(frozen=True, slots=True)
class Places:
    """Where the stage is set: the directory for files, AWS's address, and the doors' addresses."""

    directory: Path
    endpoint_url: str
    credentials_door: str = "127.0.0.1:9911"
    secrets_door: str = "127.0.0.1:2773"
    aws_api_door: str = "127.0.0.1:2774"
    admin_door: str = "127.0.0.1:9913"


@dataclass(frozen=True, slots=True)
class Stage:
    """What was set up, as the checks need it."""

    config: Path
    token_file: Path
    token: Secret
    region: str
    session_name: str
    role_arn: str
    secret_value: Secret


def set_stage(places: Places, now: datetime) -> Stage:
    """Make certificates and files, and register everything at the emulator as its administrator.

    Doing it again replaces what was there, so the files always fit what AWS knows. The address is
    known, so no profile, key, endpoint or proxy of the caller's environment counts.

    Raises:
        OperatorError: the emulator cannot be reached or the files cannot be written.

    """
    try:
        with own_environment(_NO_HOME, _KEPT):
            return _set_stage(places, now)
    except (OSError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as exc:
        raise OperatorError(
            f"the demo could not be set up: {exc}",
            hint=f"is the emulator at {places.endpoint_url}, and {places.directory} writable?",
        ) from exc


def _set_stage(places: Places, now: datetime) -> Stage:
    session = administrator(places.endpoint_url)
    certificate = _write_certificates(places.directory, now)
    data = put_application_data(session, places.endpoint_url)
    arns = _register(session, places, certificate.ca_pem)
    _permit(_client(session, "iam", places), data)
    token = Secret(secrets.token_urlsafe(32))
    _write(places.directory / "token", token.reveal().encode())
    config = places.directory / "sidecar.toml"
    _write(config, _config(places, arns, session.region_name).encode())
    return Stage(
        config=config,
        token_file=places.directory / "token",
        token=token,
        region=session.region_name,
        session_name=certificate.session_name,
        role_arn=arns["role_arn"],
        secret_value=data.database,
    )


@dataclass(frozen=True, slots=True)
class _Certificate:
    ca_pem: str
    session_name: str


def _write_certificates(directory: Path, now: datetime) -> _Certificate:
    authority = create_root(
        Subject("Demo CA", organization="Demo"), now=now, validity=timedelta(days=30)
    )
    leaf, key = issue_workload(
        authority, Subject("web-1", organization="Demo"), now=now, validity=timedelta(days=7)
    )
    _write(directory / "workload.pem", certificate_pem(leaf))
    _write(directory / "workload.key", private_key_pem(key))
    return _Certificate(certificate_pem(authority.certificate).decode(), _session_name(leaf))


def _session_name(leaf: x509.Certificate) -> str:
    """Give the name that Roles Anywhere gives a session: the serial number in hex."""
    return f"{leaf.serial_number:x}"


def _register(session: boto3.session.Session, places: Places, ca_pem: str) -> dict[str, str]:
    """Create trust anchor, role and profile as the user guide has it; return their ARNs."""
    anywhere: Any = _client(session, "rolesanywhere", places)
    anchor = anywhere.create_trust_anchor(
        name="demo",
        source={
            "sourceType": "CERTIFICATE_BUNDLE",
            "sourceData": {"x509CertificateData": ca_pem},
        },
        enabled=True,
    )["trustAnchor"]["trustAnchorArn"]
    role = _role(_client(session, "iam", places), json.dumps(trust_policy(anchor)))
    profile = anywhere.create_profile(name="demo", roleArns=[role], enabled=True)["profile"]
    return {
        "trust_anchor_arn": anchor,
        "profile_arn": profile["profileArn"],
        "role_arn": role,
    }


def _role(iam: Any, trust: str) -> str:
    """Make the role, or let the one that is there trust the new anchor; return its ARN."""
    try:
        arn: str = iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=trust)["Role"][
            "Arn"
        ]
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=ROLE_NAME, PolicyDocument=trust)
        arn = iam.get_role(RoleName=ROLE_NAME)["Role"]["Arn"]
    return arn


def _permit(iam: Any, data: ApplicationData) -> None:
    document = json.dumps(_permissions(data))
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="demo", PolicyDocument=document)


def trust_policy(trust_anchor_arn: str) -> dict[str, Any]:
    """Write the trust policy of a role for Roles Anywhere (user guide, "Trust model")."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "rolesanywhere.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                "Condition": {"ArnEquals": {"aws:SourceArn": trust_anchor_arn}},
            }
        ],
    }


def _permissions(data: ApplicationData) -> dict[str, Any]:
    """Write what the programs need, and no more."""
    allowed = {
        "s3:ListAllMyBuckets": "*",
        "s3:GetObject": f"arn:aws:s3:::{MODELS}/*",
        "kms:Decrypt": data.key_arn,
        "lambda:InvokeFunction": f"arn:aws:lambda:*:*:function:{FUNCTION}",
        "secretsmanager:GetSecretValue": f"arn:aws:secretsmanager:*:*:secret:{DATABASE}-*",
    }
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource in allowed.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _client(session: boto3.session.Session, service: Any, places: Places) -> "BaseClient":
    client: BaseClient = session.client(
        service, endpoint_url=places.endpoint_url, config=_BOTO_CONFIG
    )
    return client


def _config(places: Places, arns: dict[str, str], region: str) -> str:
    """Write the sidecar.toml of the demo; JSON strings are TOML strings."""
    lines = [
        "[identity]",
        f"certificate = {json.dumps(str(places.directory / 'workload.pem'))}",
        f"private_key = {json.dumps(str(places.directory / 'workload.key'))}",
        "",
        "[aws]",
        f"region = {json.dumps(region)}",
        f"endpoint_url = {json.dumps(places.endpoint_url)}",
        "",
        "[doors]",
        f"credentials = {json.dumps(places.credentials_door)}",
        f"secrets = {json.dumps(places.secrets_door)}",
        f"aws_api = {json.dumps(places.aws_api_door)}",
        f"admin = {json.dumps(places.admin_door)}",
        "",
        "[roles.default]",
        *(f"{name} = {json.dumps(arn)}" for name, arn in arns.items()),
        "",
        f"[apps.{APP}]",
        'roles = ["default"]',
        'secrets = ["demo/*"]',
        f"static_token_file = {json.dumps(str(places.directory / 'token'))}",
        "",
    ]
    return "\n".join(lines)


def _write(path: Path, content: bytes) -> None:
    write_atomically(path, content, mode=0o600)
