"""What must hold between options that are each right by themselves."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from sidecar.config.address import Address
from sidecar.config.schema import AppSection, Config, RoleSection
from sidecar.errors import Problem

_DEFAULT_ROLE: Final = "default"


def secrets_role(config: Config) -> str | None:
    """Name the role that reads secrets: the one configured, the only one, or ``default``."""
    if config.secrets.via is not None:
        return config.secrets.via
    if len(config.roles) == 1:
        return next(iter(config.roles))
    return _DEFAULT_ROLE if _DEFAULT_ROLE in config.roles else None


def secrets_region(config: Config) -> str:
    """Name the region of Secrets Manager: the one configured, or the first trust anchor's."""
    if config.aws.region is not None:
        return config.aws.region
    return next(iter(config.roles.values())).trust_anchor_arn.region


def inconsistencies(config: Config, faulty: AbstractSet[str] = frozenset()) -> list[Problem]:
    """Find every contradiction in a configuration.

    Args:
        config: the configuration.
        faulty: sections whose values could not be read; what depends on them is not looked at.

    """
    problems: list[Problem] = []
    for name, role in config.roles.items():
        problems += () if f"roles.{name}" in faulty else _role(name, role)
    for name, app in config.apps.items():
        problems += () if {"roles", f"apps.{name}"} & faulty else _app(name, app, config)
    problems += () if {"secrets", "doors", "roles"} & faulty else _secrets(config)
    problems += () if "doors" in faulty else _doors(config)
    return problems


def _role(name: str, role: RoleSection) -> Iterator[Problem]:
    anchor, profile, target = role.trust_anchor_arn, role.profile_arn, role.role_arn
    where = f"roles.{name}"
    if anchor.region != profile.region:
        yield Problem(
            f"{where}.profile_arn",
            f"is in {profile.region}, the trust anchor in {anchor.region}",
            "CreateSession needs both in one region",
        )
    if anchor.account != profile.account:
        yield Problem(
            f"{where}.profile_arn",
            f"is in account {profile.account}, the trust anchor in {anchor.account}",
            "CreateSession needs both in one account",
        )
    if target.account != profile.account:
        yield Problem(
            f"{where}.role_arn",
            f"is in account {target.account}, the profile in {profile.account}",
            "a profile can only hold roles of its own account",
        )
    if len({anchor.partition, profile.partition, target.partition}) > 1:
        yield Problem(where, "its ARNs are of different partitions", "they must agree")


def _app(name: str, app: AppSection, config: Config) -> Iterator[Problem]:
    where = f"apps.{name}"
    for role in app.roles:
        if role not in config.roles:
            yield Problem(
                f"{where}.roles",
                f"there is no role {role!r}",
                f"configured are {', '.join(config.roles)}",
            )
    ways = [app.static_token_file, app.token_env]
    if ways.count(None) != 1:
        yield Problem(
            where,
            "has no token" if ways.count(None) else "has two tokens",
            "set exactly one of static_token_file and token_env (without a file: "
            "SIDECAR_TOKEN or SIDECAR_TOKEN_FILE)",
        )


def _secrets(config: Config) -> Iterator[Problem]:
    via = secrets_role(config)
    matters = config.doors.secrets or config.secrets.prefetch or via is not None
    if matters and via not in config.roles:
        yield Problem(
            "secrets.via",
            f"there is no role {via!r}" if via else "must say whose credentials read secrets",
            f"configured are {', '.join(config.roles)}",
        )


def _doors(config: Config) -> Iterator[Problem]:
    taken: dict[Address, str] = {}
    for door in ("credentials", "secrets", "admin"):
        for address in getattr(config.doors, door):
            if address.port and address in taken:
                yield Problem(
                    f"doors.{door}", f"{address} is taken by doors.{taken[address]}", "use another"
                )
            taken[address] = door
    for address in config.doors.admin:
        if not address.host.is_loopback:
            yield Problem(
                "doors.admin",
                f"{address} is not a loopback address, and this door asks for no token",
                "use 127.0.0.1 or [::1]; the credentials and secrets doors may listen there",
            )
