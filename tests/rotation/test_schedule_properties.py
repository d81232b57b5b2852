"""Rotation schedules beside a count of every hour, which knows nothing of the grammar."""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from sidecar.rotation.schedule import Schedule

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class Spec:
    """A schedule as text, and which hours it means by other ways of counting."""

    expression: str
    means: Callable[[datetime], bool]


def _in_month(moment: datetime, weekday: int) -> list[int]:
    """List the days of the month that are a certain weekday, 1 being Sunday."""
    weeks = calendar.Calendar(firstweekday=6).monthdayscalendar(moment.year, moment.month)
    return [week[weekday - 1] for week in weeks if week[weekday - 1]]


@st.composite
def _days(draw: st.DrawFn) -> tuple[str, str, Callable[[datetime], bool]]:
    day, nth = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    low = draw(st.integers(1, 28))
    high = draw(st.integers(low, 31))
    choices: list[tuple[str, str, Callable[[datetime], bool]]] = [
        ("*", "?", lambda _: True),
        ("L", "?", lambda at: (at + DAY).day == 1),
        (f"{low}-{high}", "?", lambda at: low <= at.day <= high),
        (f"{low},{high}", "?", lambda at: at.day in (low, high)),
        (f"{low}/{nth}", "?", lambda at: at.day >= low and not (at.day - low) % nth),
        ("?", DAY_NAMES[day - 1], lambda at: at.day in _in_month(at, day)),
        ("?", f"{day}#{nth}", lambda at: at.day == _in_month(at, day)[nth - 1]),
        ("?", f"{DAY_NAMES[day - 1]}L", lambda at: at.day == _in_month(at, day)[-1]),
    ]
    return draw(st.sampled_from(choices))


@st.composite
def _specs(draw: st.DrawFn) -> Spec:
    first = draw(st.integers(0, 23))
    step = draw(st.sampled_from([None, 4, 6, 8, 12]))
    months = sorted(draw(st.sets(st.integers(1, 12), min_size=1)))
    of_month, of_week, day = draw(_days())
    hours = f"{first}/{step}" if step else f"{first}"
    listed = ",".join(map(str, months))

    def means(at: datetime) -> bool:
        offset = at.hour - first
        fits = offset >= 0 and offset % step == 0 if step else offset == 0
        return fits and at.month in months and day(at)

    return Spec(f"cron(0 {hours} {of_month} {listed} {of_week} *)", means)


moments = st.datetimes(
    datetime(1999, 1, 1),  # noqa: DTZ001 - hypothesis wants the bounds so
    datetime(2101, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def _parsed(expression: str) -> Schedule:
    try:
        return Schedule.parse(expression)
    except ValueError as exc:
        assume("at least 4h" not in str(exc))
        raise


@given(_specs(), moments)
def test_the_next_window_is_the_first_hour_that_fits(spec: Spec, after: datetime) -> None:
    hour = after.replace(minute=0, second=0, microsecond=0) + HOUR
    while not spec.means(hour):
        hour += HOUR
    assert _parsed(spec.expression).next_window(after, since=after).start == hour


@given(_specs(), moments)
def test_the_last_window_is_the_last_hour_that_fits(spec: Spec, before: datetime) -> None:
    schedule, since = _parsed(spec.expression), before - 40 * DAY
    hour = before.replace(minute=0, second=0, microsecond=0)
    while hour > since and not spec.means(hour):
        hour -= HOUR
    window = schedule.last_window(before, since=since)
    assert (window and window.start) == (hour if hour > since else None)


@given(_specs(), moments)
def test_no_two_windows_are_nearer_than_the_shortest_interval(spec: Spec, after: datetime) -> None:
    schedule = _parsed(spec.expression)
    for _ in range(3):
        window = schedule.next_window(after, since=after)
        following = schedule.next_window(window.start, since=after)
        assert window.end <= following.start
        assert following.start - window.start >= schedule.shortest_interval()
        after = following.start


@given(st.integers(4, 2000), moments, moments)
def test_a_rate_in_hours_counts_from_the_midnight_before(
    every: int, since: datetime, after: datetime
) -> None:
    window = Schedule.parse(f"rate({every} hours)").next_window(after, since=since)
    elapsed = (window.start - datetime.combine(since.date(), datetime.min.time(), UTC)) / HOUR
    assert elapsed % every == 0
    assert max(after, since) < window.start <= max(after, since) + every * HOUR


@given(_specs(), moments, st.timedeltas(timedelta(), 400 * DAY))
def test_a_later_moment_never_has_an_earlier_window(
    spec: Spec, after: datetime, later: timedelta
) -> None:
    schedule = _parsed(spec.expression)
    sooner = schedule.next_window(after, since=after)
    assert after < sooner.start <= schedule.next_window(after + later, since=after).start
