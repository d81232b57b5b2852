"""The time within which a rotation may begin, and how the length of that time is written."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

# RotationRulesType.Duration: digits and an h, two or three characters in all.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html
_DURATION: Final = re.compile(r"([0-9]{1,2})h", re.ASCII)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when a rotation may begin; the end is the first moment outside."""

    start: datetime
    end: datetime


def parse_duration(text: str) -> timedelta:
    """Read the length of a window, such as ``3h``.

    Raises:
        ValueError: it is not from 1h to 24h.

    """
    found = _DURATION.fullmatch(text)
    length = int(found[1]) * HOUR if found is not None else timedelta()
    if not HOUR <= length <= DAY:
        raise ValueError(f"duration {text!r} is not from 1h to 24h, such as 3h")
    return length


def midnight(moment: datetime) -> datetime:
    """Give the beginning of the day in UTC.

    Raises:
        ValueError: the moment has no time zone.

    """
    return in_utc(moment).replace(hour=0, minute=0, second=0, microsecond=0)


def in_utc(moment: datetime) -> datetime:
    """Give the same moment in UTC.

    Raises:
        ValueError: the moment has no time zone.

    """
    if moment.tzinfo is None:
        raise ValueError(f"moment {moment} has no time zone")
    return moment.astimezone(UTC)
