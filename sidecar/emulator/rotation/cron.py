"""When a cron() schedule of Secrets Manager next begins.

Rules: Secrets Manager user guide, "Schedule expressions". A reading of its own, so that the
emulator can disagree with whoever else reads schedules.
"""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

_MONTHS: Final = {name.upper(): at for at, name in enumerate(calendar.month_abbr) if name}
_DAYS: Final = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_FIELDS: Final = 6
_LOOKS_AHEAD_DAYS: Final = 366 * 8


@dataclass(frozen=True, slots=True)
class Cron:
    """The hours of a day, and which days have them."""

    hours: frozenset[int]
    fits: Callable[[date], bool]

    def next(self, after: datetime) -> datetime | None:
        """The first beginning after a moment; None when there is none within eight years."""
        first = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        for ahead in range(_LOOKS_AHEAD_DAYS):
            day = (first + timedelta(days=ahead)).date()
            for hour in sorted(self.hours) if self.fits(day) else ():
                moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
                if moment > after:
                    return moment
        return None


def parse_cron(fields: str) -> Cron:
    """Read what stands between the parentheses.

    Raises:
        ValueError: not a schedule that Secrets Manager takes.
    """
    parts = fields.split()
    if len(parts) != _FIELDS:
        raise ValueError("six fields are needed")
    minutes, hours, of_month, month, of_week, year = parts
    if minutes != "0" or year != "*":
        raise ValueError("minutes must be 0 and the year must be *")
    if (of_month == "?") == (of_week == "?"):
        raise ValueError("one of day-of-month and day-of-week must be ?, and only one")
    months = _numbers(month, 1, 12, _MONTHS)
    fits = _day_of_month(of_month) if of_week == "?" else _day_of_week(of_week)
    return Cron(_numbers(hours, 0, 23, {}), lambda day: day.month in months and fits(day))


def _day_of_month(text: str) -> Callable[[date], bool]:
    if text == "L":
        return lambda day: day.day == _length_of_month(day)
    days = _numbers(text, 1, 31, {})
    return lambda day: day.day in days


def _day_of_week(text: str) -> Callable[[date], bool]:
    name, hash_sign, nth = text.partition("#")
    if hash_sign:
        wanted, week = _number(name, 1, 7, _DAYS), _number(nth, 1, 5, {})
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == week
    if text.endswith("L") and text != "L":
        last = _number(text[:-1], 1, 7, _DAYS)
        return lambda day: _weekday(day) == last and day.day > _length_of_month(day) - 7
    days = _numbers("SAT" if text == "L" else text, 1, 7, _DAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    """1 for Sunday to 7 for Saturday."""
    return day.isoweekday() % 7 + 1


def _length_of_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _numbers(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for each in text.split(","):
        span, slash, step = each.partition("/")
        first, dash, last = span.partition("-")
        start = low if first in {"", "*"} else _number(first, low, high, names)
        if dash:
            end = _number(last, low, high, names)
        else:
            end = high if slash or first in {"", "*"} else start
        if (not span and not slash) or end < start:
            raise ValueError(f"{each!r} names nothing")
        found.update(range(start, end + 1, _number(step, 1, high, {}) if slash else 1))
    return frozenset(found)


def _number(text: str, low: int, high: int, names: dict[str, int]) -> int:
    number = names.get(text.upper(), int(text) if text.isdecimal() else -1)
    if not low <= number <= high:
        raise ValueError(f"{text!r} is not from {low} to {high}")
    return number
