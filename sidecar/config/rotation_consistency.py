"""What must hold between the options of a rotation, and between them and what is cached."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Final

from sidecar.config.role_sources import NO_EXCHANGE, AccessKeySecretSection, RoleSection
from sidecar.config.rotation_section import RotationSection
from sidecar.config.secrets_section import SecretsSection
from sidecar.errors import Problem

_HOUR: Final = timedelta(hours=1)
# What AWS appends to the name: Secrets Manager user guide, "What's in a secret".
_ARN: Final = re.compile(
    r"arn:[^:]+:secretsmanager:[^:]*:([^:]*):secret:(.+?)(-[A-Za-z0-9]{6})?", re.DOTALL
)


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
        roles: those that apps may have.

    """
    for name, role in roles.items():
        if not isinstance(role, AccessKeySecretSection) or role.exchange != NO_EXCHANGE:
            continue
        seconds = role.session_duration_seconds
        for secret_id, rotation in rotations.items():
            grace = rotation.grace_hours * _HOUR
            if timedelta(seconds=seconds) > grace and _may_be_one(secret_id, role.secret_id):
                yield Problem(
                    f"roles.{name}.session_duration_seconds",
                    f"is {seconds}: applications hold the key for longer than it stays active "
                    f"after a rotation (rotation.{secret_id}.grace_hours is "
                    f"{rotation.grace_hours})",
                    "make it shorter, or the grace longer",
                )


def _may_be_one(secret_id: str, other_id: str) -> bool:
    """Whether two ids may stand for one secret: AWS takes a name, a partial and a whole ARN.

    Regions say nothing, since a replica is in another.
    """
    account, name, whole = _parts(secret_id)
    other_account, other_name, other_whole = _parts(other_id)
    if account and other_account and account != other_account:
        return False
    return other_whole in {whole, name} or whole == other_name


def _parts(secret_id: str) -> tuple[str, str, str]:
    """Give account, name, and name with what AWS appends to it, as far as they are said."""
    found = _ARN.fullmatch(secret_id)
    if found is None:
        return "", secret_id, secret_id
    account, name, suffix = found.groups(default="")
    return account, name, name + suffix


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
