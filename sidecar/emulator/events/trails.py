"""Whether CloudTrail tells EventBridge of anything: only with a trail that is logging.

Source: EventBridge user guide, "AWS service events delivered via AWS CloudTrail".
"""

from typing import Any

from moto.cloudtrail.models import cloudtrail_backends


def is_recorded(account: str, region: str, *, of_global_service: bool = False) -> bool:
    """Whether a trail records what changes something in a region.

    Args:
        account: whose trails.
        region: where it happens.
        of_global_service: only trails count that include events of global services, such as IAM.
    """
    return any(
        _records(trail, region) and (trail.include_global_service_events or not of_global_service)
        for backend in list(cloudtrail_backends[account].values())
        for trail in list(backend.trails.values())
    )


def _records(trail: Any, region: str) -> bool:
    here = trail.is_multi_region or trail.region_name == region
    return bool(trail.status.is_logging) and here and _takes_writes(trail.event_selectors)


def _takes_writes(selectors: list[dict[str, Any]]) -> bool:
    return not selectors or any(
        each.get("IncludeManagementEvents", True)
        and each.get("ReadWriteType", "All") in {"All", "WriteOnly"}
        for each in selectors
    )
