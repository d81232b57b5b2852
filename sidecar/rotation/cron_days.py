"""Which days a cron expression means: days of the month, the last one, or days of the week."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

_WEEK = 7


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Days by their number in the month."""

    numbers: frozenset[int]

    def holds(self, day: date) -> bool:
        """Whether it is one of them."""
        return day.day in self.numbers


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last day of the month."""

    def holds(self, day: date) -> bool:
        """Whether it is that day."""
        return day.day == calendar.monthrange(day.year, day.month)[1]


@dataclass(frozen=True, slots=True)
class WeekDays:
    """Days of the week, by AWS's numbers: 1 is Sunday, 7 is Saturday."""

    numbers: frozenset[int]

    def holds(self, day: date) -> bool:
        """Whether it is one of them."""
        return day.isoweekday() % _WEEK + 1 in self.numbers


@dataclass(frozen=True, slots=True)
class NthWeekDay:
    """A day of the week, the first to fifth one in its month."""

    number: int
    nth: int

    def holds(self, day: date) -> bool:
        """Whether it is that one."""
        same_day = day.isoweekday() % _WEEK + 1 == self.number
        return same_day and (day.day - 1) // _WEEK + 1 == self.nth


@dataclass(frozen=True, slots=True)
class LastWeekDay:
    """A day of the week, the last one in its month."""

    number: int

    def holds(self, day: date) -> bool:
        """Whether it is that one."""
        same_day = day.isoweekday() % _WEEK + 1 == self.number
        return same_day and (day + timedelta(days=_WEEK)).month != day.month


Days = MonthDays | LastDay | WeekDays | NthWeekDay | LastWeekDay
