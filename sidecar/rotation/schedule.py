"""When access keys are rotated, said in the grammar of Secrets Manager's rotation schedules."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from sidecar.rotation.cron import Cron
from sidecar.rotation.rate import Rate
from sidecar.rotation.window import DAY, HOUR, Window, in_utc, midnight, parse_duration

_MAX_LENGTH: Final = 256
_ALLOWED: Final = re.compile(r"[0-9A-Za-z()#?*\-/, ]+")
_SHAPE: Final = re.compile(r"(rate|cron)\((.*)\)")
_LEAST_INTERVAL: Final = 4 * HOUR


@dataclass(frozen=True, slots=True)
class Schedule:
    """A checked schedule; everything is UTC.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html and
    RotationRulesType in the API reference say the rules. They leave two things open, and the
    stricter reading is taken, so that AWS accepts what is accepted here:

    - the four hours between windows count over midnight too, where hour increments begin anew
      (``cron(0 /7 * * ? *)`` opens at 21 and at 0);
    - no window reaches into the next UTC day, with a rate in hours either.

    ``opens_for`` is None where windows end with the day.
    """

    expression: str
    opens_for: timedelta | None
    _plan: Rate | Cron

    @classmethod
    def parse(cls, expression: str, duration: str | None = None) -> Self:
        """Read a schedule.

        Args:
            expression: such as ``rate(10 days)`` or ``cron(0 8/8 * * ? *)``.
            duration: the length of its windows, such as ``3h``. Default: an hour for schedules in
                hours, else until the day ends.

        Raises:
            ValueError: one of the two is against AWS's rules; it says which part, and why.

        """
        plan = _plan(expression)
        interval = plan.shortest_interval()
        if interval < _LEAST_INTERVAL:
            raise ValueError(
                f"opens windows {_hours(interval)} apart; at least 4h must lie between"
            )
        default = HOUR if plan.in_hours else None
        opens_for = parse_duration(duration) if duration is not None else default
        if opens_for is not None:
            _check_window(plan, opens_for, interval)
        return cls(expression, opens_for, plan)

    def next_window(self, after: datetime, *, since: datetime) -> Window:
        """Give the first window that opens strictly after a moment.

        Args:
            after: the moment.
            since: when the schedule came into force: nothing opens until then, and rates count
                from the midnight before.

        Raises:
            ValueError: a moment has no time zone.

        """
        since = in_utc(since)
        return self._window(self._plan.next_start(max(in_utc(after), since), since))

    def last_window(self, before: datetime, *, since: datetime) -> Window | None:
        """Give the latest window that opened at or before a moment, and after ``since``.

        Args:
            before: the moment.
            since: when the schedule came into force.

        Raises:
            ValueError: a moment has no time zone.

        """
        since = in_utc(since)
        start = next(self._plan.starts_back(in_utc(before), since), None)
        return self._window(start) if start is not None and start > since else None

    def shortest_interval(self) -> timedelta:
        """Give the shortest time from one window's start to the next one's."""
        return self._plan.shortest_interval()

    def _window(self, start: datetime) -> Window:
        end = midnight(start) + DAY if self.opens_for is None else start + self.opens_for
        return Window(start, end)


def _plan(expression: str) -> Rate | Cron:
    if len(expression) > _MAX_LENGTH:
        raise ValueError(f"has {len(expression)} characters; {_MAX_LENGTH} are the most")
    if odd := [each for each in expression if not _ALLOWED.fullmatch(each)]:
        raise ValueError(f"holds {odd[0]!r}; letters, digits, spaces and ()#?*-/, are allowed")
    found = _SHAPE.fullmatch(expression)
    if found is None:
        raise ValueError("is neither rate(…) nor cron(…)")
    return Rate.parse(found[2]) if found[1] == "rate" else Cron.parse(found[2])


def _check_window(plan: Rate | Cron, opens_for: timedelta, interval: timedelta) -> None:
    if opens_for > interval:
        raise ValueError(
            f"duration {_hours(opens_for)} reaches into the next window, {_hours(interval)} after"
        )
    if plan.latest_hour * HOUR + opens_for > DAY:
        raise ValueError(
            f"duration {_hours(opens_for)} reaches into the next day where a window opens at "
            f"{plan.latest_hour}:00"
        )


def _hours(length: timedelta) -> str:
    return f"{length // HOUR}h"
