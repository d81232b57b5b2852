"""The fields of a cron expression, each read into the numbers or the days that it means.

What AWS does not document for Secrets Manager is refused, so that everything that is accepted
here can be used there: ``*/8`` (write ``/8``), names in small letters, ranges that run backwards,
and increments, ``L`` or ``#`` within a list.
"""

import re
from dataclasses import dataclass
from typing import Final

from sidecar.rotation.cron_days import (
    Days,
    LastDay,
    LastWeekDay,
    MonthDays,
    NthWeekDay,
    WeekDays,
)

_MONTHS: Final = (
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
)
_WEEK: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NUMBER: Final = re.compile(r"[0-9]{1,2}", re.ASCII)
_SATURDAY: Final = 7


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: its name in messages, its range, and the names of its values."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def refused(self, value: str, why: str) -> ValueError:
        return ValueError(f"{self.name} {value!r} {why}")

    def number(self, value: str) -> int:
        """Read one value."""
        if value in self.names:
            return self.least + self.names.index(value)
        if not _NUMBER.fullmatch(value) or not self.least <= int(value) <= self.most:
            or_names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise self.refused(value, f"is not {self.least} to {self.most}{or_names}")
        return int(value)

    def increments(self, value: str) -> tuple[int, ...]:
        """Read ``2/10``: every tenth from 2 on; ``/8`` begins at the field's first value."""
        first, _, step = value.partition("/")
        if first == "*":
            raise self.refused(value, f"has a * before the /: write /{step}")
        start = self.number(first) if first else self.least
        if not _NUMBER.fullmatch(step) or not 1 <= int(step) <= self.most:
            raise self.refused(value, f"has a step that is not 1 to {self.most}")
        return tuple(range(start, self.most + 1, int(step)))

    def values(self, value: str) -> frozenset[int]:
        """Read ``*``, increments, or a list of values and ranges."""
        if value == "*":
            return frozenset(range(self.least, self.most + 1))
        if "/" in value:
            return frozenset(self.increments(value))
        found: set[int] = set()
        for item in value.split(","):
            first, dash, last = item.partition("-")
            low = self.number(first)
            high = self.number(last) if dash else low
            if low > high:
                raise self.refused(item, "runs backwards")
            found.update(range(low, high + 1))
        return frozenset(found)


_HOURS: Final = _Field("hours", 0, 23)
_DAY_OF_MONTH: Final = _Field("day-of-month", 1, 31)
_MONTH: Final = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK: Final = _Field("day-of-week", 1, 7, _WEEK)


def read_hours(value: str) -> tuple[int, ...]:
    """Read an hour, or increments of hours, which begin anew each day.

    AWS documents no other wildcard for this field; lists of hours are not documented.
    """
    if set(value) & set(",-*?"):
        raise _HOURS.refused(value, "may be one hour or an increment only, such as 8 or 2/10")
    return _HOURS.increments(value) if "/" in value else (_HOURS.number(value),)


def read_months(value: str) -> frozenset[int]:
    """Read the months."""
    return _MONTH.values(value)


def read_days(of_month: str, of_week: str) -> Days:
    """Read both fields of days, of which exactly one says something and the other is ``?``."""
    if (of_month == "?") == (of_week == "?"):
        raise ValueError(
            f"day-of-month {of_month!r} and day-of-week {of_week!r}: exactly one of the two must "
            "be ?"
        )
    return _days_of_month(of_month) if of_week == "?" else _days_of_week(of_week)


def _days_of_month(value: str) -> Days:
    """Read days of the month.

    AWS's page has ``SUNL``, the last Sunday, in the row of this field; EventBridge takes it in
    that of the week. Both are accepted.
    """
    if value == "L":
        return LastDay()
    if value.endswith("L") and value[:-1] in _WEEK:
        return LastWeekDay(_DAY_OF_WEEK.number(value[:-1]))
    return MonthDays(_DAY_OF_MONTH.values(value))


def _days_of_week(value: str) -> Days:
    """Read days of the week; ``L`` alone is the week's last day, Saturday."""
    if value == "L":
        return WeekDays(frozenset({_SATURDAY}))
    if "#" in value:
        day, _, nth = value.partition("#")
        if not re.fullmatch("[1-5]", nth):
            raise _DAY_OF_WEEK.refused(value, "must be a day, # and 1 to 5, such as TUE#3")
        return NthWeekDay(_DAY_OF_WEEK.number(day), int(nth))
    if value.endswith("L"):
        return LastWeekDay(_DAY_OF_WEEK.number(value[:-1]))
    return WeekDays(_DAY_OF_WEEK.values(value))
