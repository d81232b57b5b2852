"""Makes the metadata door that a configuration asks for: of its values it needs but a few."""

from collections.abc import Mapping

from sidecar.clock import Clock
from sidecar.config.consistency import default_region
from sidecar.config.metadata_consistency import metadata_app
from sidecar.config.schema import Config
from sidecar.providers.refreshing import RefreshingRole
from sidecar.web.metadata_door import MetadataDoor
from sidecar.web.metadata_paths import InstanceFacts


def metadata_door(
    config: Config, roles: Mapping[str, RefreshingRole], clock: Clock
) -> MetadataDoor | None:
    """Make the door; None if it is off.

    Args:
        config: the checked configuration.
        roles: every role by name.
        clock: the clock.

    """
    name = metadata_app(config.metadata, config.apps)
    if not config.doors.metadata or name is None:
        return None
    served = {role: roles[role] for role in config.apps[name].roles}
    return MetadataDoor(name, served, instance_facts(config, next(iter(served))), clock)


def instance_facts(config: Config, role: str) -> InstanceFacts:
    """Say what the door tells of the machine.

    Args:
        config: the checked configuration.
        role: the role whose account is the machine's.

    """
    section, region = config.metadata, default_region(config)
    return InstanceFacts(
        region=region,
        account_id=config.roles[role].role_arn.account,
        instance_id=section.instance_id,
        availability_zone=section.availability_zone or f"{region}a",
        availability_zone_id=section.availability_zone_id or "",
        instance_type=section.instance_type or "",
    )
