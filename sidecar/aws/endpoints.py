"""Which regions a service has, and which address in each."""

import re
from functools import lru_cache
from typing import Any, Final

from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import BotoCoreError

from sidecar.aws.service_models import shipped_models

_DATA: Final = shipped_models()


# Bounded, since callers of the aws-api door name regions.
@lru_cache(maxsize=256)
def service_endpoint(
    service: str, region: str, *, fips: bool = False, dual_stack: bool = False
) -> str:
    """Evaluate botocore's own rules for a service's endpoint, right for every partition.

    No client is made and boto3 is not imported, since a command that runs for each request of
    AWS's CLI asks this too.

    Args:
        service: botocore's name of the service, such as ``rolesanywhere``.
        region: the region's name; never a pseudo-region such as ``us-gov-west-1-fips``, whose name
            would get into signatures.
        fips: whether the endpoint must be FIPS-validated.
        dual_stack: whether it must have IPv6 addresses too.

    Raises:
        ValueError: botocore knows no such service, no partition with such a region, or no such
            kind of endpoint in it.

    """
    kind = " with FIPS" * fips + " with dual stack" * dual_stack
    try:
        url: str = _resolved(service, region, fips=fips, dual_stack=dual_stack).url
    except (BotoCoreError, LookupError) as exc:
        unknown = f"no endpoint of {service}{kind} is known in region {region!r}"
        raise ValueError(unknown) from exc
    return url


@lru_cache(maxsize=32)
def signing_region(service: str, region: str) -> str:
    """Tell which region requests to a service are signed for; one only where it is global, as IAM.

    Args:
        service: botocore's name of the service.
        region: the region that is worked in.

    """
    try:
        properties = _resolved(service, region).properties
    except (BotoCoreError, LookupError):
        return region
    schemes = properties.get("authSchemes") or [{}]
    return str(schemes[0].get("signingRegion", region))


def _resolved(service: str, region: str, *, fips: bool = False, dual_stack: bool = False) -> Any:
    """Evaluate the rules; LookupError for a region that is in no partition."""
    partitions = _DATA.load_data("partitions")
    if not _has_region(partitions, region):
        raise LookupError(region)
    rules = _DATA.load_service_model(service, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, partitions)
    return provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack)


@lru_cache(maxsize=32)
def listed_regions(service: str, partition: str) -> frozenset[str]:
    """Give the regions of a partition in which botocore knows a service; none newer than its data.

    Args:
        service: botocore's name of the service.
        partition: such as ``aws-cn``.

    """
    found = (
        each
        for each in _DATA.load_data("endpoints")["partitions"]
        if each["partition"] == partition
    )
    return frozenset(
        region
        for each in found
        for region in each["services"].get(service, {"endpoints": ()})["endpoints"]
        # Others are pseudo-regions, such as those of FIPS.
        if region in each["regions"]
    )


def region_in_host(host: str) -> str | None:
    """Find the region that a host name of AWS's names; None for a host of somebody else's."""
    partitions = _DATA.load_data("partitions")
    suffixes = (
        each["outputs"][kind]
        for each in partitions["partitions"]
        for kind in ("dnsSuffix", "dualStackDnsSuffix")
    )
    if not any(host.endswith(f".{suffix}") for suffix in suffixes):
        return None
    return next((label for label in host.split(".") if _has_region(partitions, label)), None)


def _has_region(partitions: Any, region: str) -> bool:
    """Whether some partition has such a region, one that is newer than the data included."""
    return any(
        re.fullmatch(each["regionRegex"], region) is not None for each in partitions["partitions"]
    )
