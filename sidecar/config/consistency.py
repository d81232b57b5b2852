"""What must hold between options that are each right by themselves."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from sidecar.config.app_consistency import app_inconsistencies
from sidecar.config.audit_section import audit_inconsistencies
from sidecar.config.chaining import chain_of
from sidecar.config.files_consistency import file_inconsistencies
from sidecar.config.issuer_consistency import issuer_inconsistencies
from sidecar.config.listening import listening_problems
from sidecar.config.load import Loaded
from sidecar.config.metadata_consistency import metadata_inconsistencies
from sidecar.config.notify_consistency import notify_inconsistencies
from sidecar.config.role_consistency import role_inconsistencies
from sidecar.config.role_sources import RolesAnywhereSection
from sidecar.config.rotation_consistency import (
    grace_inconsistencies,
    held_key_inconsistencies,
    rotation_inconsistencies,
)
from sidecar.config.schema import ENDPOINTS, AwsSection, Config, IdentitySection
from sidecar.errors import ConfigError, Problem

_DEFAULT_ROLE: Final = "default"
_METADATA_NEEDS: Final = frozenset({"metadata", "doors", "aws", "roles", "apps"})
_NO_REGION: Final = Problem(
    "aws.region",
    "is missing, and no role of source roles-anywhere tells it by its trust anchor",
    "such as eu-central-1; or set AWS_REGION",
)


def secrets_role(config: Config) -> str | None:
    """Name the role that reads secrets: the one configured, the only one, or ``default``."""
    if config.secrets.via is not None:
        return config.secrets.via
    if len(config.roles) == 1:
        return next(iter(config.roles))
    return _DEFAULT_ROLE if _DEFAULT_ROLE in config.roles else None


def default_region(config: Config) -> str:
    """Name the region of Secrets Manager and STS: the one configured, or the first trust anchor's.

    Raises:
        ConfigError: there is neither.

    """
    anchors = (
        role.trust_anchor_arn.region
        for role in config.roles.values()
        if isinstance(role, RolesAnywhereSection)
    )
    region = config.aws.region or next(anchors, None)
    if region is None:
        raise ConfigError([_NO_REGION])
    return region


def sts_region(name: str, config: Config) -> str:
    """Name the region whose STS gives a role: its own, the configured, or its chain's anchor's.

    A chain that begins in China or in GovCloud cannot go on in another partition.

    Raises:
        ConfigError: there is none of these, and no trust anchor at all.

    """
    section, root = config.roles[name], config.roles[chain_of(name, config.roles)[-1]]
    own = None if isinstance(section, RolesAnywhereSection) else section.region
    if found := own or config.aws.region:
        return found
    if isinstance(root, RolesAnywhereSection):
        return root.trust_anchor_arn.region
    return default_region(config)


def consistent(loaded: Loaded) -> Config:
    """Give a configuration whose values could all be read, if it does not contradict itself.

    Raises:
        ConfigError: with every contradiction.

    """
    if problems := inconsistencies(loaded.config):
        raise ConfigError(loaded.with_variables(problems))
    return loaded.config


def inconsistencies(config: Config, faulty: AbstractSet[str] = frozenset()) -> list[Problem]:
    """Find every contradiction in a configuration.

    Args:
        config: the configuration.
        faulty: sections whose values could not be read; what depends on them is not looked at.

    """
    problems: list[Problem] = []
    problems += () if "aws" in faulty else _aws(config.aws)
    problems += () if "identity" in faulty else _identity(config.identity)
    if not {"roles", "aws", *map("roles.{}".format, config.roles)} & faulty:
        problems += _region(config)
    sound = {name: role for name, role in config.roles.items() if f"roles.{name}" not in faulty}
    if "roles" not in faulty:
        problems += role_inconsistencies(config.roles, sound, config.identity)
    problems += app_inconsistencies(config, faulty)
    problems += issuer_inconsistencies(config, faulty)
    problems += () if {"secrets", "doors", "roles"} & faulty else _secrets(config)
    problems += listening_problems(config.doors, config.admin, faulty)
    if not _METADATA_NEEDS & {each.partition(".")[0] for each in faulty}:
        problems += _metadata(config)
    problems += () if "audit" in faulty else audit_inconsistencies(config.audit)
    if not {"roles", "files"} & faulty:
        places = config.files_by_place().items()
        whole = {where: file for where, file in places if where not in faulty}
        problems += file_inconsistencies(whole, config.roles)
    problems += _rotation(config, faulty)
    problems += _notify(config, faulty)
    return problems


def _notify(config: Config, faulty: AbstractSet[str]) -> Iterator[Problem]:
    sinks = {name: sink for name, sink in config.notify.items() if f"notify.{name}" not in faulty}
    if not {"notify", "roles", "secrets", "audit"} & faulty:
        via, audit = secrets_role(config), config.audit.destination
        yield from notify_inconsistencies(sinks, config.roles, via, audit)


def _rotation(config: Config, faulty: AbstractSet[str]) -> Iterator[Problem]:
    rotations = {
        name: section
        for name, section in config.rotation.items()
        if f"rotation.{name}" not in faulty
    }
    if not {"rotation", "roles", "secrets"} & faulty:
        yield from rotation_inconsistencies(rotations, config.roles, secrets_role(config))
        yield from grace_inconsistencies(rotations, config.secrets)
        apps = (app for name, app in config.apps.items() if f"apps.{name}" not in faulty)
        held = {role for app in apps for role in app.roles}
        roles = {name: role for name, role in config.roles.items() if name in held}
        yield from held_key_inconsistencies(rotations, roles)


def _aws(aws: AwsSection) -> Iterator[Problem]:
    """No custom endpoint together with a kind of AWS's own, as in AWS's SDKs."""
    custom = [key for key in ENDPOINTS if getattr(aws, key) is not None]
    for key in ("use_fips_endpoint", "use_dualstack_endpoint"):
        if custom and getattr(aws, key):
            yield Problem(
                f"aws.{key}",
                f"cannot go with aws.{custom[0]}: it chooses among AWS's own endpoints",
                "remove one of the two; AWS_ENDPOINT_URL and AWS_USE_… variables count too",
            )


def _identity(identity: IdentitySection | None) -> Iterator[Problem]:
    if identity and identity.password_file is not None and identity.password_env is not None:
        yield Problem(
            "identity.password_env",
            "cannot go with identity.password_file",
            "there is one password: say where it is",
        )


def _region(config: Config) -> Iterator[Problem]:
    try:
        default_region(config)
    except ConfigError as exc:
        yield from exc.problems


def _secrets(config: Config) -> Iterator[Problem]:
    via = secrets_role(config)
    section, doors = config.secrets, config.doors
    fetched = section.prefetch or section.prefetch_tags
    matters = doors.secrets or doors.aws_api or fetched or config.files or via is not None
    for key, wanted in (("secrets.prefetch", fetched), ("files", config.files)):
        if wanted and not section.ttl_seconds:
            what = "cannot go with secrets.ttl_seconds = 0: nothing is cached"
            yield Problem(key, what, "remove one of the two")
    if matters and via not in config.roles:
        yield Problem(
            "secrets.via",
            f"there is no role {via!r}" if via else "must say whose credentials read secrets",
            f"configured are {', '.join(config.roles)}",
        )


def _metadata(config: Config) -> Iterator[Problem]:
    try:
        region = default_region(config)
    except ConfigError:
        return  # which is told already
    open_ = bool(config.doors.metadata)
    yield from metadata_inconsistencies(config.metadata, config.apps, region, is_open=open_)
