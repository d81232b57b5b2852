"""Schedules that say only how often: ``rate(10 days)``."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from sidecar.rotation.window import DAY, HOUR, midnight

_SHAPE: Final = re.compile(r"([0-9]+) (hours?|days?)", re.ASCII)
_MOST_DAYS: Final = 999
_DIGITS: Final = len(str(_MOST_DAYS * 24))


@dataclass(frozen=True, slots=True)
class Rate:
    """A window every so many hours or days, counted from a midnight.

    AWS documents that windows start at midnight UTC. It does not say which midnight hours are
    counted from, nor whether they begin anew each day. Here all are counted, without a break, from
    the midnight that began the day on which the schedule came into force.
    """

    period: timedelta
    in_hours: bool

    @classmethod
    def parse(cls, inside: str) -> Self:
        """Read what stands between the parentheses.

        Raises:
            ValueError: not a positive number and a unit, or more than the 999 days that AWS allows.

        """
        found = _SHAPE.fullmatch(inside)
        if found is None:
            raise ValueError(
                f"rate({inside}) is not a number and hour, hours, day or days, such as "
                "rate(10 days)"
            )
        number, in_hours = found[1].lstrip("0"), found[2].startswith("hour")
        most = _MOST_DAYS * (24 if in_hours else 1)
        if not number or len(number) > _DIGITS or int(number) > most:
            raise ValueError(f"rate({inside}) is not between 1 and {most} {found[2]}")
        return cls(int(number) * (HOUR if in_hours else DAY), in_hours)

    def next_start(self, after: datetime, since: datetime) -> datetime:
        """Give the first start strictly after a moment."""
        first = midnight(since)
        return first + ((after - first) // self.period + 1) * self.period

    def starts_back(self, before: datetime, since: datetime) -> Iterator[datetime]:
        """Give the starts at or before a moment, the latest first."""
        first = midnight(since)
        for count in range((before - first) // self.period, -1, -1):
            yield first + count * self.period

    @property
    def latest_hour(self) -> int:
        """The latest hour of a day at which a window can open."""
        return 24 - math.gcd(self.period // HOUR, 24)

    def shortest_interval(self) -> timedelta:
        """Give the time between two windows."""
        return self.period
