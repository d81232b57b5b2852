"""Every section and option of `sidecar.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from sidecar.config.app_section import AppSection
from sidecar.config.audit_section import AuditSection
from sidecar.config.control_section import ControlSection
from sidecar.config.doors_section import AdminSection, DoorsSection
from sidecar.config.files_section import FilesSection
from sidecar.config.issuer_section import IssuerSection
from sidecar.config.metadata_section import MetadataSection
from sidecar.config.notify_section import NOTIFY_TYPES, NotifySection
from sidecar.config.option import (
    REGION_HINT,
    Entries,
    base_url,
    flag,
    is_name,
    locator,
    one_of,
    option,
    path,
    region_name,
    text,
    variable,
    whole_number,
)
from sidecar.config.role_sources import ROLE_SOURCES, RoleSection
from sidecar.config.rotation_section import RotationSection, is_secret_id
from sidecar.config.secrets_section import SecretsSection
from sidecar.config.tokens_section import TokensSection

_URL_HINT: Final = "such as http://127.0.0.1:4566"


def certificate_locator(value: object) -> str:
    """Read where a certificate is kept."""
    found = locator(value)
    if found.startswith(("tpm:", "handle:")):
        raise ValueError("is a TPM handle, and a TPM keeps keys only")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySection:
    """The X.509 certificate and private key; needed as soon as a role comes from Roles Anywhere."""

    certificate: str = option(
        certificate_locator,
        "File with the certificate, PEM (may hold its issuers, and the key) or PKCS#12, or a "
        "`pkcs11:` URI.",
        example="workload.pem",
    )
    private_key: str | None = option(
        locator,
        "File with the private key, a `pkcs11:` URI, or a TPM handle such as `tpm:0x81000001`. "
        "Default: where the certificate is.",
        default=None,
        example="workload.key",
    )
    chain: Path | None = option(
        path, "PEM file with intermediate certificates.", default=None, example="chain.pem"
    )
    password_file: Path | None = option(
        path,
        "File with the password of an encrypted key, or the PIN of a token; one newline at its "
        "end is ignored.",
        default=None,
        example="workload.password",
    )
    password_env: str | None = option(
        variable,
        "Variable of the sidecar that holds that password or PIN.",
        default=None,
        example="WORKLOAD_PASSWORD",
        hint="name the variable here, and put the password into that variable",
        may_be_shown=False,
    )
    pkcs11_module: Path | None = option(
        path,
        "Shared library of the PKCS#11 token. Default: p11-kit's.",
        default=None,
        example="/usr/lib/softhsm/libsofthsm2.so",
    )
    tpm: str | None = option(
        text,
        "How the TPM is reached, as a TCTI. Default: the kernel's resource manager.",
        default=None,
        example="device:/dev/tpmrm0",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSection:
    """How AWS is reached."""

    region: str | None = option(
        region_name,
        "Region of Secrets Manager and STS. Default: that of the first trust anchor.",
        default=None,
        example="eu-central-1",
        hint=REGION_HINT,
    )
    endpoint_url: str | None = option(
        base_url,
        "Address of an emulator in place of AWS's own endpoints, for every service.",
        default=None,
        example="http://127.0.0.1:4566",
        hint=_URL_HINT,
    )
    endpoint_url_rolesanywhere: str | None = option(
        base_url,
        "The same for Roles Anywhere alone, such as a VPC endpoint.",
        default=None,
        example="https://vpce-1.rolesanywhere.eu-central-1.vpce.amazonaws.com",
        hint=_URL_HINT,
    )
    endpoint_url_sts: str | None = option(
        base_url,
        "The same for STS alone.",
        default=None,
        example="https://vpce-1.sts.eu-central-1.vpce.amazonaws.com",
        hint=_URL_HINT,
    )
    endpoint_url_secretsmanager: str | None = option(
        base_url,
        "The same for Secrets Manager alone.",
        default=None,
        example="https://vpce-1.secretsmanager.eu-central-1.vpce.amazonaws.com",
        hint=_URL_HINT,
    )
    endpoint_url_ssm: str | None = option(
        base_url,
        "The same for Parameter Store alone.",
        default=None,
        example="https://vpce-1.ssm.eu-central-1.vpce.amazonaws.com",
        hint=_URL_HINT,
    )
    endpoint_url_sqs: str | None = option(
        base_url,
        "The same for SQS alone.",
        default=None,
        example="https://vpce-1.sqs.eu-central-1.vpce.amazonaws.com",
        hint=_URL_HINT,
    )
    endpoint_url_iam: str | None = option(
        base_url,
        "The same for IAM alone, which only rotations of access keys ask.",
        default=None,
        example="http://127.0.0.1:4566",
        hint=_URL_HINT,
    )
    endpoint_url_events: str | None = option(
        base_url,
        "The same for EventBridge alone, which only notices are sent to.",
        default=None,
        example="https://vpce-1.events.eu-central-1.vpce.amazonaws.com",
        hint=_URL_HINT,
    )
    endpoint_url_sns: str | None = option(
        base_url,
        "The same for SNS alone.",
        default=None,
        example="https://vpce-1.sns.eu-central-1.vpce.amazonaws.com",
        hint=_URL_HINT,
    )
    use_fips_endpoint: bool = option(
        flag, "Whether to use AWS's FIPS endpoints.", default=False, example="true"
    )
    use_dualstack_endpoint: bool = option(
        flag, "Whether to use AWS's endpoints with IPv6.", default=False, example="true"
    )
    start_spread_seconds: int = option(
        whole_number(0, 3600),
        "Within which time the first sessions of Roles Anywhere are asked for, at random; for "
        "fleets that restart together.",
        default=0,
        example="0",
    )
    ca_bundle: Path | None = option(
        path,
        "PEM file with the CAs to trust in TLS, in place of the system's.",
        default=None,
        example="proxy-ca.pem",
    )


# Keys of the section above that put another address in place of AWS's own.
ENDPOINTS: Final = (
    "endpoint_url",
    "endpoint_url_rolesanywhere",
    "endpoint_url_sts",
    "endpoint_url_secretsmanager",
    "endpoint_url_ssm",
    "endpoint_url_sqs",
    "endpoint_url_iam",
    "endpoint_url_events",
    "endpoint_url_sns",
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

    identity: IdentitySection | None
    roles: Mapping[str, RoleSection]
    apps: Mapping[str, AppSection]
    aws: AwsSection = field(default_factory=AwsSection)
    doors: DoorsSection = field(default_factory=DoorsSection)
    admin: AdminSection = field(default_factory=AdminSection)
    secrets: SecretsSection = field(default_factory=SecretsSection)
    tokens: TokensSection = field(default_factory=TokensSection)
    metadata: MetadataSection = field(default_factory=MetadataSection)
    control: ControlSection = field(default_factory=ControlSection)
    log: LogSection = field(default_factory=LogSection)
    audit: AuditSection = field(default_factory=AuditSection)
    files: tuple[FilesSection, ...] = ()
    issuers: Mapping[str, IssuerSection] = field(default_factory=dict)
    rotation: Mapping[str, RotationSection] = field(default_factory=dict)
    notify: Mapping[str, NotifySection] = field(default_factory=dict)

    def with_doors(self, doors: DoorsSection) -> Self:
        """Put other doors in the place of these."""
        return replace(self, doors=doors)

    def files_by_place(self) -> dict[str, FilesSection]:
        """Give the files by the names that problems call them by, ``files.1`` being the first."""
        return {f"files.{place}": file for place, file in enumerate(self.files, start=1)}


# The sections with fixed keys, the tables in which the user chooses the names of the entries, and
# the arrays of tables.
SECTIONS: Final = MappingProxyType(
    {
        "identity": IdentitySection,
        "aws": AwsSection,
        "doors": DoorsSection,
        "admin": AdminSection,
        "secrets": SecretsSection,
        "tokens": TokensSection,
        "metadata": MetadataSection,
        "control": ControlSection,
        "log": LogSection,
        "audit": AuditSection,
    }
)
TABLES: Final[Mapping[str, Entries]] = MappingProxyType(
    {
        "roles": ROLE_SOURCES,
        "apps": AppSection,
        "issuers": IssuerSection,
        "rotation": RotationSection,
        "notify": NOTIFY_TYPES,
    }
)
# Those that may be missing.
OPTIONAL_TABLES: Final = frozenset({"issuers", "rotation", "notify"})
# Those whose entries are called by a secret's name or ARN, which TOML wants in quotes.
_BY_SECRET: Final = frozenset({"rotation"})
LISTS: Final[Mapping[str, type]] = MappingProxyType({"files": FilesSection})


def heading(table: str, entry: str) -> str:
    """Give the line that begins an entry of a table in the file."""
    return f'[{table}."{entry}"]' if table in _BY_SECRET else f"[{table}.{entry}]"


def name_problem(table: str, entry: str) -> str | None:
    """Say of which characters an entry's name must be made, if it is not."""
    if table in _BY_SECRET:
        return None if is_secret_id(entry) else "a secret's name or ARN"
    return None if is_name(entry) else "letters, digits, - and _"
