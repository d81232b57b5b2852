"""The options of `[roles.<name>]`, for each source that a role's credentials can come from."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sidecar.arn import Arn, profile_arn, role_arn, trust_anchor_arn
from sidecar.config.option import (
    REGION_HINT,
    Variants,
    arn,
    flag,
    one_of,
    option,
    path,
    region_name,
    text,
    texts,
    whole_number,
)
from sidecar.config.sts_values import (
    chained_seconds,
    external_id,
    policy_arns,
    session_name,
    session_policy,
    session_tags,
)
from sidecar.session_name import FIELDS, SessionName

ROLES_ANYWHERE: Final = "roles-anywhere"
ASSUME_ROLE: Final = "assume-role"
WEB_IDENTITY: Final = "web-identity"
ACCESS_KEY_SECRET: Final = "access-key-secret"  # noqa: S105 - the name of a source

# What an IAM user's key is exchanged for before it is handed out.
NO_EXCHANGE: Final = "none"
SESSION_TOKEN: Final = "session-token"  # noqa: S105 - the name of a kind of exchange

# What the examples of ARNs begin with.
_SCOPE: Final = "arn:aws:rolesanywhere:eu-central-1:123456789012"
_ROLE_HINT: Final = "aws iam list-roles shows it"
_NAME_FIELDS: Final = ", ".join(f"`{{{each}}}`" for each in FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vended:
    """What every role has, wherever it comes from."""

    shared_session: bool = option(
        flag,
        "Whether all apps that have it get the same session, and not one each: fewer calls to AWS, "
        "but at the aws-api door and in CloudTrail they cannot be told apart then.",
        default=False,
        example="true",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesAnywhereSection(_Vended):
    """A role that IAM Roles Anywhere gives in exchange for a signature of the identity."""

    source: str = option(
        one_of(ROLES_ANYWHERE),
        "Where the credentials come from.",
        default=ROLES_ANYWHERE,
        example=ROLES_ANYWHERE,
    )
    trust_anchor_arn: Arn = option(
        arn(trust_anchor_arn),
        "The trust anchor that the certificate's CA is registered as; its region is asked.",
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
        hint=_ROLE_HINT,
    )
    session_duration_seconds: int = option(
        whole_number(900, 43200),
        "How long a session lasts; the profile may cap it.",
        default=3600,
        example="3600",
    )
    role_session_name: SessionName | None = option(
        session_name,
        "Session name in place of the certificate's serial, as for the other sources; the profile "
        "must accept it.",
        default=None,
        example="{hostname}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _FromSts(_Vended):
    """What every role has that STS gives."""

    source: str
    role_arn: Arn = option(
        arn(role_arn),
        "The IAM role to assume.",
        example="arn:aws:iam::123456789012:role/web",
        hint=_ROLE_HINT,
    )
    session_duration_seconds: int = option(
        whole_number(900, 43200),
        "How long a session lasts; the role's own maximum must allow it.",
        default=3600,
        example="3600",
    )
    role_session_name: SessionName = option(
        session_name,
        f"Name of the session in CloudTrail; may hold {_NAME_FIELDS}.",
        default=SessionName.parse("{role}@{hostname}"),
        example="{role}@{hostname}",
    )
    policy: str | None = option(
        session_policy,
        "Session policy as JSON text: the session may do what both it and the role allow.",
        default=None,
        example='{"Version": "2012-10-17", "Statement": []}',
    )
    policy_file: Path | None = option(
        path,
        "File with a session policy, in place of `policy`; read for every session.",
        default=None,
        example="session-policy.json",
    )
    policy_arns: tuple[Arn, ...] = option(
        policy_arns,
        "Managed policies that limit the session in the same way.",
        default=(),
        example="arn:aws:iam::aws:policy/ReadOnlyAccess",
    )
    region: str | None = option(
        region_name,
        "Region whose STS is asked. Default: `aws.region`, or that of its chain's trust anchor.",
        default=None,
        example="eu-central-1",
        hint=REGION_HINT,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumeRoleSection(_FromSts):
    """A role that is assumed with the credentials of another role here, of any source."""

    source: str = option(
        one_of(ASSUME_ROLE), "Where the credentials come from.", example=ASSUME_ROLE
    )
    via: str = option(
        text, "The role whose credentials assume this one.", example="default", hint="name a role"
    )
    external_id: str | None = option(
        external_id,
        "External id that the role's trust policy asks for.",
        default=None,
        example="tenant-42",
    )
    session_duration_seconds: int = option(
        chained_seconds,
        "How long a session lasts; AWS allows a chained role one hour at most.",
        default=3600,
        example="3600",
    )
    session_tags: tuple[tuple[str, str], ...] = option(
        session_tags,
        "Session tags, as a table; in a variable `key=value`, with commas between.",
        default=(),
        example="team=payments",
    )
    transitive_tag_keys: tuple[str, ...] = option(
        texts,
        "Keys of those tags that sessions chained on this one inherit.",
        default=(),
        example="team",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebIdentitySection(_FromSts):
    """A role that STS gives in exchange for a token that somebody else writes into a file."""

    source: str = option(
        one_of(WEB_IDENTITY), "Where the credentials come from.", example=WEB_IDENTITY
    )
    token_file: Path = option(
        path,
        "File with the OIDC token; read for every session.",
        example="/var/run/secrets/tokens/aws",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeySecretSection(_Vended):
    """A role that is an IAM user, whose access key is kept in a Secrets Manager secret."""

    source: str = option(
        one_of(ACCESS_KEY_SECRET), "Where the credentials come from.", example=ACCESS_KEY_SECRET
    )
    secret_id: str = option(
        text,
        "Name or ARN of the secret with the user's key: JSON with `user_name`, "
        "`aws_access_key_id` and `aws_secret_access_key`.",
        example="legacy/batch-user",
        hint="aws secretsmanager list-secrets shows it",
    )
    via: str = option(
        text, "The role whose credentials read the secret.", example="default", hint="name a role"
    )
    exchange: str = option(
        one_of(NO_EXCHANGE, SESSION_TOKEN),
        "What is handed out: the key itself, which all apps with the role share and which has no "
        "session token, or a session that STS GetSessionToken gives for it.",
        default=NO_EXCHANGE,
        example=SESSION_TOKEN,
    )
    session_duration_seconds: int = option(
        whole_number(900, 129600),
        "How long a session lasts, or, without exchange, after which time SDKs come back for the "
        "key at the latest (1800 to 43200).",
        default=3600,
        example="3600",
    )
    region: str | None = option(
        region_name,
        "Region of the secret, and of the STS that checks the key. Default: `aws.region`, or that "
        "of its chain's trust anchor.",
        default=None,
        example="eu-central-1",
        hint=REGION_HINT,
    )


StsSection = AssumeRoleSection | WebIdentitySection
# Those that hang on another role.
ViaSection = AssumeRoleSection | AccessKeySecretSection
RoleSection = RolesAnywhereSection | StsSection | AccessKeySecretSection


def shares_session(role: RoleSection) -> bool:
    """Whether all apps with a role get the same credentials: a user's key is one for all."""
    its_key = isinstance(role, AccessKeySecretSection) and role.exchange == NO_EXCHANGE
    return role.shared_session or its_key


ROLE_SOURCES: Final = Variants(
    "source",
    ROLES_ANYWHERE,
    MappingProxyType(
        {
            ROLES_ANYWHERE: RolesAnywhereSection,
            ASSUME_ROLE: AssumeRoleSection,
            WEB_IDENTITY: WebIdentitySection,
            ACCESS_KEY_SECRET: AccessKeySecretSection,
        }
    ),
)
