"""Schedules that say at which hour of which days: ``cron(0 18 ? * SAT *)``."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, pairwise
from typing import Final, Self

from sidecar.rotation.cron_days import Days
from sidecar.rotation.cron_fields import read_days, read_hours, read_months
from sidecar.rotation.window import DAY, HOUR

_FIELDS: Final = 6
# Within 28 years every date meets every weekday. The days that a century leaves out make intervals
# longer, never shorter.
_CYCLE_BEGINS: Final = date(2001, 1, 1)
_CYCLE: Final = 28 * 365 + 7


@dataclass(frozen=True, slots=True)
class Cron:
    """Windows at the same hours of certain days.

    AWS gives "no schedules more than a year apart" as the reason for the year's ``*``. Whether it
    refuses 29 February is not documented; it is accepted here.
    """

    hours: tuple[int, ...]
    in_hours: bool
    days: Days
    months: frozenset[int]

    @classmethod
    def parse(cls, inside: str) -> Self:
        """Read what stands between the parentheses.

        Raises:
            ValueError: a field is not as AWS documents it, or no day is ever meant.

        """
        fields = inside.split(" ")
        if len(fields) != _FIELDS or not all(fields):
            raise ValueError(
                f"cron({inside}) has not the {_FIELDS} fields minutes, hours, day-of-month, month, "
                "day-of-week and year, with one space between"
            )
        minutes, hours, of_month, months, of_week, year = fields
        if minutes != "0":
            raise ValueError(f"minutes {minutes!r} is not 0: windows open on the hour")
        if year != "*":
            raise ValueError(f"year {year!r} is not *")
        days = read_days(of_month, of_week)
        found = cls(read_hours(hours), "/" in hours, days, read_months(months))
        if not any(map(found.means, _cycle())):
            raise ValueError(f"day-of-month {of_month!r} never comes in month {months!r}")
        return found

    def means(self, day: date) -> bool:
        """Whether windows open on that day."""
        return day.month in self.months and self.days.holds(day)

    def next_start(self, after: datetime, since: datetime) -> datetime:  # noqa: ARG002 - as Rate
        """Give the first start strictly after a moment."""
        days = (after.date() + timedelta(days=ahead) for ahead in count())
        return next(
            start
            for day in days
            if self.means(day)
            for start in self._starts_on(day)
            if start > after
        )

    def starts_back(self, before: datetime, since: datetime) -> Iterator[datetime]:
        """Give the starts at or before a moment and not on earlier days, the latest first."""
        for ago in range((before.date() - since.date()).days + 1):
            day = before.date() - timedelta(days=ago)
            if self.means(day):
                yield from (start for start in self._starts_on(day)[::-1] if start <= before)

    @property
    def latest_hour(self) -> int:
        """The latest hour of a day at which a window can open."""
        return self.hours[-1]

    def shortest_interval(self) -> timedelta:
        """Give the shortest time between two windows that the calendar can bring about."""
        over_night = self._shortest_days() * DAY - (self.hours[-1] - self.hours[0]) * HOUR
        within = ((later - sooner) * HOUR for sooner, later in pairwise(self.hours))
        return min([over_night, *within])

    def _shortest_days(self) -> int:
        places = [place for place, day in enumerate(_cycle()) if self.means(day)]
        return min(later - sooner for sooner, later in pairwise([*places, places[0] + _CYCLE]))

    def _starts_on(self, day: date) -> list[datetime]:
        return [datetime.combine(day, time(hour), UTC) for hour in self.hours]


def _cycle() -> Iterator[date]:
    return (_CYCLE_BEGINS + timedelta(days=place) for place in range(_CYCLE))
