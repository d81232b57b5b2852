"""Which names are regions of AWS."""

from functools import lru_cache

from botocore.session import get_session


@lru_cache(maxsize=1)
def _regions() -> frozenset[str]:
    session = get_session()
    return frozenset(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition)
    )


def is_region(name: str) -> bool:
    """Whether AWS has a region of this name, in any partition."""
    return name in _regions()
