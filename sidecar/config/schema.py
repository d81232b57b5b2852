"""Every section and option of `sidecar.toml`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sidecar.arn import Arn, profile_arn, role_arn, trust_anchor_arn
from sidecar.config.address import Address, addresses
from sidecar.config.option import (
    arn,
    base_url,
    names,
    one_of,
    option,
    path,
    text,
    texts,
    variable,
    whole_number,
)

_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d")
# The rule of STS for RoleSessionName.
_SESSION_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
# What the examples of ARNs begin with.
_SCOPE: Final = "arn:aws:rolesanywhere:eu-central-1:123456789012"


def region_name(value: object) -> str:
    """Read the name of an AWS region."""
    name = text(value)
    if not _REGION.fullmatch(name):
        raise ValueError("is not a region's name")
    return name


def role_session_name(value: object) -> str:
    """Read the name of a role session."""
    name = text(value)
    if not _SESSION_NAME.fullmatch(name):
        raise ValueError("must be 2 to 64 of letters, digits and _+=,.@-")
    return name


def _secret_ids(value: object) -> tuple[str, ...]:
    found = texts(value)
    if any("*" in each for each in found):
        raise ValueError("takes whole names or ARNs, not patterns")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySection:
    """The X.509 certificate and private key of this machine."""

    certificate: Path = option(
        path, "PEM file with the certificate; may hold its issuers too.", example="workload.pem"
    )
    private_key: Path = option(
        path, "PEM file with the private key: PKCS#8, PKCS#1 or SEC1.", example="workload.key"
    )
    chain: Path | None = option(
        path, "PEM file with intermediate certificates.", default=None, example="chain.pem"
    )
    password_file: Path | None = option(
        path,
        "File with the password of an encrypted private key; one newline at its end is ignored.",
        default=None,
        example="workload.password",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSection:
    """How AWS is reached."""

    region: str | None = option(
        region_name,
        "Region of Secrets Manager. Default: that of the first trust anchor.",
        default=None,
        example="eu-central-1",
        hint="such as eu-central-1",
    )
    endpoint_url: str | None = option(
        base_url,
        "Address of an emulator in place of AWS's own endpoints, for every service.",
        default=None,
        example="http://127.0.0.1:4566",
        hint="such as http://127.0.0.1:4566",
    )
    ca_bundle: Path | None = option(
        path,
        "PEM file with the CAs to trust in TLS, in place of the system's.",
        default=None,
        example="proxy-ca.pem",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorsSection:
    """Where the doors listen: ``address:port``, a list of them, or ``"off"``; port 0 picks one."""

    credentials: tuple[Address, ...] = option(
        addresses,
        "Container credentials, for every AWS SDK.",
        default=(Address.parse("127.0.0.1:9911"),),
        example="127.0.0.1:9911",
    )
    secrets: tuple[Address, ...] = option(
        addresses,
        "Secrets, in the protocol of AWS's own agent and Lambda extension.",
        default=(Address.parse("127.0.0.1:2773"),),
        example="127.0.0.1:2773",
    )
    admin: tuple[Address, ...] = option(
        addresses,
        "Health and readiness, never a secret value; no token, so loopback only.",
        default=(Address.parse("127.0.0.1:9913"),),
        example="127.0.0.1:9913",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSection:
    """One set of credentials that applications can ask for."""

    source: str = option(
        one_of("roles-anywhere"),
        "Where its credentials come from.",
        default="roles-anywhere",
        example="roles-anywhere",
    )
    trust_anchor_arn: Arn = option(
        arn(trust_anchor_arn),
        "The trust anchor that the certificate's CA is registered as.",
        example=f"{_SCOPE}:trust-anchor/11111111-2222-3333-4444-555555555555",
        hint="aws rolesanywhere list-trust-anchors shows it",
    )
    profile_arn: Arn = option(
        arn(profile_arn),
        "The profile that lists the role.",
        example=f"{_SCOPE}:profile/11111111-2222-3333-4444-555555555555",
        hint="aws rolesanywhere list-profiles shows it",
    )
    role_arn: Arn = option(
        arn(role_arn),
        "The IAM role to assume.",
        example="arn:aws:iam::123456789012:role/web",
        hint="aws iam list-roles shows it",
    )
    session_duration_seconds: int = option(
        whole_number(900, 43200),
        "How long a session lasts; the profile may cap it.",
        default=3600,
        example="3600",
    )
    role_session_name: str | None = option(
        role_session_name,
        "Session name in place of the certificate's serial; the profile must accept it.",
        default=None,
        example="web-1",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSection:
    """A caller: its token, its roles and its secrets."""

    roles: tuple[str, ...] = option(
        names, "Roles it may have; the first is its default.", default=(), example="default"
    )
    secrets: tuple[str, ...] = option(
        texts,
        "Names of secrets that it may read; `*` stands for any run of characters.",
        default=(),
        example="prod/web/*",
    )
    static_token_file: Path | None = option(
        path,
        "File with its token, at least 16 characters, no newline; read again when it changes.",
        default=None,
        example="/run/sidecar/web.token",
    )
    token_env: str | None = option(
        variable,
        "Variable of the sidecar that holds its token.",
        default=None,
        example="WEB_TOKEN",
        hint="name the variable here, and put the token into that variable",
        may_be_shown=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsSection:
    """How Secrets Manager values are cached."""

    via: str | None = option(
        text,
        "Role whose credentials read the secrets. Default: the only role, or `default`.",
        default=None,
        example="default",
    )
    ttl_seconds: int = option(
        whole_number(1, 3600), "How long a value counts as fresh.", default=300, example="300"
    )
    max_stale_seconds: int = option(
        whole_number(0, 604800),
        "How much longer it is served while AWS cannot be reached or throttles.",
        default=86400,
        example="86400",
    )
    cache_size: int = option(
        whole_number(1, 10000),
        "How many values are kept; the one unused for longest goes first.",
        default=1000,
        example="1000",
    )
    prefetch: tuple[str, ...] = option(
        _secret_ids,
        "Secrets to read before the sidecar reports that it is ready.",
        default=(),
        example="prod/web/database",
        hint="name each secret; patterns belong into an app's secrets",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSection:
    """What is logged, to stderr; never a secret value at any level."""

    level: str = option(
        one_of("debug", "info", "warning", "error"),
        "The least severe lines that are written.",
        default="info",
        example="info",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration, checked."""

    identity: IdentitySection
    roles: Mapping[str, RoleSection]
    apps: Mapping[str, AppSection]
    aws: AwsSection = field(default_factory=AwsSection)
    doors: DoorsSection = field(default_factory=DoorsSection)
    secrets: SecretsSection = field(default_factory=SecretsSection)
    log: LogSection = field(default_factory=LogSection)


# The sections with fixed keys, and the tables in which the user chooses the names.
SECTIONS: Final = MappingProxyType(
    {
        "identity": IdentitySection,
        "aws": AwsSection,
        "doors": DoorsSection,
        "secrets": SecretsSection,
        "log": LogSection,
    }
)
TABLES: Final = MappingProxyType({"roles": RoleSection, "apps": AppSection})
