"""What the metadata door says of the machine, from the configuration."""

from sidecar.config.chaining import arn_behind
from sidecar.config.consistency import default_region
from sidecar.config.schema import Config
from sidecar.web.metadata_paths import InstanceFacts


def instance_facts(config: Config, role: str) -> InstanceFacts:
    """Say what the door tells of the machine.

    Args:
        config: the checked configuration.
        role: the role whose account is the machine's.

    """
    section, region = config.metadata, default_region(config)
    arn = arn_behind(role, config.roles)
    return InstanceFacts(
        region=region,
        account_id="" if arn is None else arn.account,
        instance_id=section.instance_id,
        availability_zone=section.availability_zone or f"{region}a",
        availability_zone_id=section.availability_zone_id or "",
        instance_type=section.instance_type or "",
    )
