"""Who keeps which access key, made from `[rotation."<secret>"]`."""

import os
import random
import socket
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from uuid import uuid4

from sidecar.arn import Arn
from sidecar.aws.key_clients import KeyClients, Place
from sidecar.clock import Clock
from sidecar.config.consistency import default_region, secrets_role
from sidecar.config.rotation_section import RotationSection
from sidecar.config.schema import Config
from sidecar.errors import ConfigError, Problem
from sidecar.key_rotation import KeyRotation, Rhythm
from sidecar.notice import Notice, Tell
from sidecar.providers.lending import lent
from sidecar.providers.refreshing import RefreshingRole
from sidecar.role_graph import endpoint_of
from sidecar.rotation.goal import Retirement, Target
from sidecar.rotation.keeper import Keeper
from sidecar.rotation_notices import RotationNotices, ToldCalls, ToldKeeper


def to_nobody(notice: Notice) -> None:
    """Let a notice go."""
    del notice


def rotating_role(section: RotationSection, config: Config) -> str:
    """Name the role whose credentials rotate: the section's, or the one that reads secrets.

    Raises:
        ConfigError: there is none.

    """
    name = section.via or secrets_role(config)
    if name is None:
        raise ConfigError([Problem("rotation", "no role rotates", "name one with via")])
    return name


def build_keeper(
    secret_id: str,
    config: Config,
    roles: Mapping[str, RefreshingRole],
    clock: Clock,
    tell: Tell = to_nobody,
) -> Keeper:
    """Make what keeps one secret's key; AWS is asked in whatever thread calls it.

    Args:
        secret_id: the secret, as the configuration names it.
        config: the configuration, found consistent.
        roles: the sessions to ask with, by role.
        clock: the wall clock.
        tell: takes notices of what becomes of the key.

    Raises:
        ConfigError: no role rotates, or no region is known.

    """
    section = config.rotation[secret_id]
    role = roles[rotating_role(section, config)]
    place = Place(
        region_of(secret_id, config),
        partial(endpoint_of, aws=config.aws),
        None if config.aws.ca_bundle is None else str(config.aws.ca_bundle),
    )
    retirement = Retirement(
        grace=timedelta(hours=section.grace_hours),
        recovery=timedelta(hours=section.recovery_hours),
        delete=section.delete,
        force=section.force,
    )
    notices = RotationNotices(secret_id, section.user_name, tell, clock.now)
    return ToldKeeper(
        ToldCalls(KeyClients(place, role.current), clock.now, notices),
        Target(secret_id, section.user_name),
        retirement,
        f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}",
        clock.now,
        time.sleep,
        notices.begun,
        notices=notices,
    )


def region_of(secret_id: str, config: Config) -> str:
    """Tell a secret's region: that of its ARN, or the configured one."""
    if secret_id.startswith("arn:"):
        return Arn.parse(secret_id).region
    return default_region(config)


def build_rotations(
    config: Config,
    roles: Mapping[str, RefreshingRole],
    changed: Callable[[str], object],
    clock: Clock,
    tell: Tell = to_nobody,
) -> tuple[KeyRotation, ...]:
    """Make what keeps each configured key in the background.

    Args:
        config: the configuration, found consistent.
        roles: the sessions to ask with, by role.
        changed: called with a secret whose value has changed.
        clock: the wall clock.
        tell: takes notices of what becomes of the keys.

    Raises:
        ConfigError: no role rotates, or no region is known.

    """
    return tuple(
        KeyRotation(
            name,
            build_keeper(name, config, roles, clock, tell),
            Rhythm(section.parsed_schedule(), random.random()),  # noqa: S311 - spreads, hides nothing
            changed,
            clock,
            partial(lent, roles[rotating_role(section, config)]),
        )
        for name, section in config.rotation.items()
    )
