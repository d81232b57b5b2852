"""What must hold between the options of a rotation, and between them and what is cached."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Final

from sidecar.config.role_sources import NO_EXCHANGE, AccessKeySecretSection, RoleSection
from sidecar.config.rotation_section import RotationSection
from sidecar.config.secrets_section import SecretsSection
from sidecar.errors import Problem

_HOUR: Final = timedelta(hours=1)
_SUFFIX_LENGTH: Final = len("-AbCdEf")


def rotation_inconsistencies(
    rotations: Mapping[str, RotationSection], roles: Collection[str], default_via: str | None
) -> Iterator[Problem]:
    """Find every contradiction in and between rotations.

    Args:
        rotations: those whose values could all be read, by the secret's id.
        roles: the names of all roles.
        default_via: the role of a rotation that names none.

    """
    users: dict[str, str] = {}
    for name, rotation in rotations.items():
        where = f"rotation.{name}"
        yield from _via(where, rotation.via or default_via, roles)
        yield from _schedule(where, rotation)
        first = users.setdefault(rotation.user_name, name)
        if first != name:
            yield Problem(
                f"{where}.user_name",
                f"is that of rotation.{first} too: a user's two keys belong to one secret",
                "give each secret a user of its own",
            )


def grace_inconsistencies(
    rotations: Mapping[str, RotationSection], secrets: SecretsSection
) -> Iterator[Problem]:
    """Find every previous key that would be deactivated while it may still be served.

    Whole hours are compared, as grace is said in these.

    Args:
        rotations: those whose values could all be read, by the secret's id.
        secrets: how long values are served.

    """
    served = longest_served(secrets) // _HOUR
    for name, rotation in rotations.items():
        if rotation.grace_hours < served:
            yield Problem(
                f"rotation.{name}.grace_hours",
                f"is {rotation.grace_hours}, and a cached value is served for up to {served} hours",
                "make it longer, or secrets.max_stale_seconds shorter",
            )


def held_key_inconsistencies(
    rotations: Mapping[str, RotationSection], roles: Mapping[str, RoleSection]
) -> Iterator[Problem]:
    """Find every role whose key applications would still hold when it is deactivated.

    Args:
        rotations: those whose values could all be read, by the secret's id.
        roles: every role.

    """
    for name, role in roles.items():
        if not isinstance(role, AccessKeySecretSection) or role.exchange != NO_EXCHANGE:
            continue
        seconds = role.session_duration_seconds
        for secret_id, rotation in rotations.items():
            grace = rotation.grace_hours * _HOUR
            if _names(secret_id) & _names(role.secret_id) and timedelta(seconds=seconds) > grace:
                yield Problem(
                    f"roles.{name}.session_duration_seconds",
                    f"is {seconds}: applications hold the key for longer than it stays active "
                    f"after a rotation (rotation.{secret_id}.grace_hours is "
                    f"{rotation.grace_hours})",
                    "make it shorter, or the grace longer",
                )


def _names(secret_id: str) -> frozenset[str]:
    """Give the names that an id may stand for; an ARN may lack the six characters at its end."""
    name = secret_id.rpartition(":secret:")[2] if secret_id.startswith("arn:") else secret_id
    return frozenset({name} if name == secret_id else {name, name[:-_SUFFIX_LENGTH]})


def longest_served(secrets: SecretsSection) -> timedelta:
    """Say how long after it was read a value may be served at the most."""
    if not secrets.ttl_seconds:
        return timedelta()
    stale = secrets.max_stale_seconds if secrets.ignore_transient_errors else 0
    return timedelta(seconds=secrets.ttl_seconds + stale)


def _via(where: str, via: str | None, roles: Collection[str]) -> Iterator[Problem]:
    if via not in roles:
        what = f"there is no role {via!r}" if via else "must say whose credentials rotate"
        yield Problem(f"{where}.via", what, f"configured are {', '.join(roles)}")


def _schedule(where: str, rotation: RotationSection) -> Iterator[Problem]:
    if rotation.duration is not None and rotation.schedule is None:
        yield Problem(f"{where}.duration", "needs schedule", "add it")
        return
    try:
        schedule = rotation.parsed_schedule()
    except ValueError as exc:
        yield Problem(f"{where}.duration", str(exc), "make it shorter")
        return
    kept = (rotation.grace_hours + rotation.recovery_hours) * _HOUR
    if schedule is not None and schedule.shortest_interval() <= kept:
        apart = schedule.shortest_interval() // _HOUR
        yield Problem(
            f"{where}.schedule",
            f"opens windows {apart} hours apart, and a previous key is kept for {kept // _HOUR}: "
            "a user has no third key",
            "rotate less often, or make grace_hours and recovery_hours shorter",
        )
