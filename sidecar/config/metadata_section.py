"""The options of `[metadata]`: whose roles the door serves, and which machine it tells of."""

import re
from dataclasses import dataclass
from typing import Final

from sidecar.config.option import option, text

# As AWS writes them: 17 hexadecimal digits, 8 on old instances.
_INSTANCE_ID: Final = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_INSTANCE_TYPE: Final = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")
_ZONE: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d[a-z]")
_ZONE_ID: Final = re.compile(r"[a-z0-9]+-az\d{1,2}")


def _zone(value: object) -> str:
    """Read an availability zone, from which SDKs tell the region by leaving out its letter."""
    found = text(value)
    if not _ZONE.fullmatch(found):
        raise ValueError("is not an availability zone's name: a region and a letter")
    return found


def _zone_id(value: object) -> str:
    found = text(value)
    if not _ZONE_ID.fullmatch(found):
        raise ValueError("is not an availability zone's id")
    return found


def _instance_id(value: object) -> str:
    found = text(value)
    if not _INSTANCE_ID.fullmatch(found):
        raise ValueError("is not an instance's id: i- and 17 hexadecimal digits")
    return found


def _instance_type(value: object) -> str:
    found = text(value)
    if not _INSTANCE_TYPE.fullmatch(found):
        raise ValueError("is not an instance's type")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataSection:
    """What the metadata door serves, once it is opened by `metadata` in `[doors]`."""

    app: str | None = option(
        text,
        "App whose roles are served, to whoever asks; its first is the one that SDKs find. "
        "Default: the only one.",
        default=None,
        example="web",
    )
    availability_zone: str | None = option(
        _zone,
        "Availability zone, in the region of `[aws]`. Default: that region and `a`.",
        default=None,
        example="eu-central-1a",
    )
    availability_zone_id: str | None = option(
        _zone_id, "Id of that zone, the same for all accounts.", default=None, example="euc1-az2"
    )
    instance_id: str = option(
        _instance_id,
        "Id of the instance; not of a real one.",
        default="i-00000000000000000",
        example="i-0123456789abcdef0",
    )
    instance_type: str | None = option(
        _instance_type, "Type of the instance.", default=None, example="t3.micro"
    )
