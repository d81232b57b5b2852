"""Rotation schedules: AWS's own examples, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.rotation.schedule import Schedule
from sidecar.rotation.window import Window

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A Sunday, shortly before noon.
NOW = datetime(2026, 3, 1, 11, 30, tzinfo=UTC)


def _starts(expression: str, count: int, after: datetime = NOW) -> list[str]:
    schedule, found = Schedule.parse(expression), []
    for _ in range(count):
        after = schedule.next_window(after, since=NOW).start
        found.append(f"{after:%Y-%m-%d %H}")
        assert (after.minute, after.second, after.microsecond) == (0, 0, 0)
    return found


def _refusal(expression: str, duration: str | None = None) -> str:
    with pytest.raises(ValueError) as caught:
        Schedule.parse(expression, duration)
    return str(caught.value)


@pytest.mark.parametrize(
    ("expression", "starts"),
    [
        ("rate(4 hours)", ["2026-03-01 12", "2026-03-01 16", "2026-03-01 20", "2026-03-02 00"]),
        ("rate(10 hours)", ["2026-03-01 20", "2026-03-02 06", "2026-03-02 16"]),
        ("rate(1 day)", ["2026-03-02 00", "2026-03-03 00"]),
        ("rate(10 days)", ["2026-03-11 00", "2026-03-21 00", "2026-03-31 00"]),
        ("cron(0 /8 * * ? *)", ["2026-03-01 16", "2026-03-02 00", "2026-03-02 08"]),
        ("cron(0 8/8 * * ? *)", ["2026-03-01 16", "2026-03-02 08", "2026-03-02 16"]),
        ("cron(0 4/12 * * ? *)", ["2026-03-01 16", "2026-03-02 04", "2026-03-02 16"]),
        ("cron(0 2/10 * * ? *)", ["2026-03-01 12", "2026-03-01 22", "2026-03-02 02"]),
        ("cron(0 10 * * ? *)", ["2026-03-02 10", "2026-03-03 10"]),
        ("cron(0 18 ? * SAT *)", ["2026-03-07 18", "2026-03-14 18"]),
        ("cron(0 8 1 * ? *)", ["2026-04-01 08", "2026-05-01 08"]),
        ("cron(0 1 ? 1/3 SUN#1 *)", ["2026-04-05 01", "2026-07-05 01", "2026-10-04 01"]),
        ("cron(0 17 L * ? *)", ["2026-03-31 17", "2026-04-30 17", "2026-05-31 17"]),
        ("cron(0 8 ? * MON-FRI *)", ["2026-03-02 08", "2026-03-03 08"]),
        ("cron(0 16 1,15 * ? *)", ["2026-03-01 16", "2026-03-15 16", "2026-04-01 16"]),
        ("cron(0 0 ? * SUN#1 *)", ["2026-04-05 00", "2026-05-03 00"]),
    ],
)
def test_an_example_of_awss_pages_opens_when_they_say(expression: str, starts: list[str]) -> None:
    assert _starts(expression, len(starts)) == starts


@pytest.mark.parametrize(
    ("expression", "starts"),
    [
        ("cron(0 17 L FEB ? *)", ["2027-02-28 17", "2028-02-29 17"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00", "2032-02-29 00"]),
        ("cron(0 0 29 * ? *)", ["2026-03-29 00", "2026-04-29 00"]),
        ("cron(0 0 31 * ? *)", ["2026-03-31 00", "2026-05-31 00"]),
        ("cron(0 0 ? * SUNL *)", ["2026-03-29 00", "2026-04-26 00"]),
        ("cron(0 0 SUNL * ? *)", ["2026-03-29 00", "2026-04-26 00"]),
        ("cron(0 0 ? * 1L *)", ["2026-03-29 00", "2026-04-26 00"]),
        ("cron(0 0 ? * L *)", ["2026-03-07 00", "2026-03-14 00"]),
        ("cron(0 0 ? * 3#3 *)", ["2026-03-17 00", "2026-04-21 00"]),
        ("cron(0 0 ? * TUE#3 *)", ["2026-03-17 00", "2026-04-21 00"]),
        ("cron(0 0 ? * SUN#5 *)", ["2026-03-29 00", "2026-05-31 00"]),
        ("cron(0 0 ? 2 SUN#5 *)", ["2032-02-29 00", "2060-02-29 00", "2088-02-29 00"]),
        ("cron(0 0 ? * 1/2 *)", ["2026-03-03 00", "2026-03-05 00", "2026-03-07 00"]),
        ("cron(0 0 1/15 * ? *)", ["2026-03-16 00", "2026-03-31 00", "2026-04-01 00"]),
        ("cron(0 0 ? JAN,NOV-DEC 2-3 *)", ["2026-11-02 00", "2026-11-03 00"]),
        ("rate(999 days)", ["2028-11-24 00"]),
    ],
)
def test_months_and_years_of_any_length_are_counted(expression: str, starts: list[str]) -> None:
    assert _starts(expression, len(starts)) == starts


@pytest.mark.parametrize(
    ("expression", "duration", "length"),
    [
        pytest.param("rate(4 hours)", None, 1, id="a rate in hours: one hour"),
        pytest.param("rate(4 hours)", "4h", 4, id="as long as the interval"),
        pytest.param("rate(1 day)", None, 24, id="a rate in days: to the day's end"),
        pytest.param("rate(2 days)", "24h", 24, id="a whole day"),
        pytest.param("cron(0 /8 * * ? *)", None, 1, id="increments of hours: one hour"),
        pytest.param("cron(0 2/10 * * ? *)", "2h", 2, id="from 22 to midnight"),
        pytest.param("cron(0 17 L * ? *)", None, 7, id="days: to the day's end"),
        pytest.param("cron(0 17 L * ? *)", "3h", 3, id="days and a duration"),
    ],
)
def test_a_window_ends_after(expression: str, duration: str | None, length: int) -> None:
    window = Schedule.parse(expression, duration).next_window(NOW, since=NOW)
    assert window == Window(window.start, window.start + length * HOUR)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "is neither rate(…) nor cron(…)"),
        ("RATE(1 day)", "is neither rate(…) nor cron(…)"),
        ("at(2026-03-01)", "is neither rate(…) nor cron(…)"),
        ("rate(10 days", "is neither rate(…) nor cron(…)"),
        ("rate(1_0 days)", "holds '_'; letters, digits, spaces and ()#?*-/, are allowed"),
        ("rate(10 days)\n", "holds '\\n'; letters, digits, spaces and ()#?*-/, are allowed"),
        ("rate(٣ days)", "holds '٣'; letters, digits, spaces and ()#?*-/, are allowed"),
        (f"rate({'0' * 250} days)", "has 261 characters; 256 are the most"),
        ("rate(0 days)", "rate(0 days) is not between 1 and 999 days"),
        ("rate(1000 days)", "rate(1000 days) is not between 1 and 999 days"),
        ("rate(23977 hours)", "rate(23977 hours) is not between 1 and 23976 hours"),
        ("rate(3 hours)", "opens windows 3h apart; at least 4h must lie between"),
        ("cron(0 /3 * * ? *)", "opens windows 3h apart; at least 4h must lie between"),
        ("cron(0 /7 * * ? *)", "opens windows 3h apart; at least 4h must lie between"),
        ("cron(1 8 * * ? *)", "minutes '1' is not 0: windows open on the hour"),
        ("cron(0 8 * * ? 2026)", "year '2026' is not *"),
        ("cron(0 24 * * ? *)", "hours '24' is not 0 to 23"),
        ("cron(0 8/0 * * ? *)", "hours '8/0' has a step that is not 1 to 23"),
        ("cron(0 8/ * * ? *)", "hours '8/' has a step that is not 1 to 23"),
        ("cron(0 8 0 * ? *)", "day-of-month '0' is not 1 to 31"),
        ("cron(0 8 32 * ? *)", "day-of-month '32' is not 1 to 31"),
        ("cron(0 8 1,,2 * ? *)", "day-of-month '' is not 1 to 31"),
        ("cron(0 8 15-1 * ? *)", "day-of-month '15-1' runs backwards"),
        ("cron(0 8 15,L * ? *)", "day-of-month 'L' is not 1 to 31"),
        ("cron(0 8 3L * ? *)", "day-of-month '3L' is not 1 to 31"),
        ("cron(0 8 * 13 ? *)", "month '13' is not 1 to 12 or JAN to DEC"),
        ("cron(0 8 * jan ? *)", "month 'jan' is not 1 to 12 or JAN to DEC"),
        ("cron(0 8 * */3 ? *)", "month '*/3' has a * before the /: write /3"),
        ("cron(0 8 ? * 0 *)", "day-of-week '0' is not 1 to 7 or SUN to SAT"),
        ("cron(0 8 ? * FRI-MON *)", "day-of-week 'FRI-MON' runs backwards"),
        (
            "cron(0 8 ? * SUN#6 *)",
            "day-of-week 'SUN#6' must be a day, # and 1 to 5, such as TUE#3",
        ),
        (
            "cron(0 8 ? * SUN#1,MON#1 *)",
            "day-of-week 'SUN#1,MON#1' must be a day, # and 1 to 5, such as TUE#3",
        ),
        ("cron(0 8 31 4,6 ? *)", "day-of-month '31' never comes in month '4,6'"),
        ("cron(0 8 30 FEB ? *)", "day-of-month '30' never comes in month 'FEB'"),
    ],
)
def test_what_awss_rules_forbid_is_refused_with_the_reason(expression: str, reason: str) -> None:
    assert _refusal(expression) == reason


@pytest.mark.parametrize("hours", ["*", "8,16", "8-16", "*/8", "?"])
def test_the_hours_are_one_or_an_increment(hours: str) -> None:
    reason = f"hours '{hours}' may be one hour or an increment only, such as 8 or 2/10"
    assert _refusal(f"cron(0 {hours} * * ? *)") == reason


@pytest.mark.parametrize("days", [("*", "*"), ("?", "?"), ("1", "MON"), ("*", "MON")])
def test_exactly_one_field_of_days_is_a_question_mark(days: tuple[str, str]) -> None:
    of_month, of_week = days
    reason = (
        f"day-of-month '{of_month}' and day-of-week '{of_week}': exactly one of the two must be ?"
    )
    assert _refusal(f"cron(0 8 {of_month} * {of_week} *)") == reason


@pytest.mark.parametrize("inside", ["", "0 8 * * *", "0 8 * * ? * *", "0 8  * * ?", " 0 8 * * ? *"])
def test_a_cron_expression_has_six_fields(inside: str) -> None:
    assert _refusal(f"cron({inside})").startswith(f"cron({inside}) has not the 6 fields minutes, ")


@pytest.mark.parametrize(
    "inside", ["", "10", "days", "10days", "10  days", "-1 days", "1.5", "2 minutes", "1 week"]
)
def test_a_rate_is_a_number_and_a_unit(inside: str) -> None:
    assert _refusal(f"rate({inside})") in (
        f"rate({inside}) is not a number and hour, hours, day or days, such as rate(10 days)",
        "holds '.'; letters, digits, spaces and ()#?*-/, are allowed",
    )


@pytest.mark.parametrize(
    "duration", ["", "0h", "25h", "100h", "3", "3H", "1.5h", "-1h", "٣h", "3h\n"]
)
def test_a_duration_is_of_1_to_24_hours(duration: str) -> None:
    reason = f"duration {duration!r} is not from 1h to 24h, such as 3h"
    assert _refusal("rate(10 days)", duration) == reason


@pytest.mark.parametrize(
    ("expression", "duration", "reason"),
    [
        ("rate(4 hours)", "5h", "duration 5h reaches into the next window, 4h after"),
        ("cron(0 /8 * * ? *)", "9h", "duration 9h reaches into the next window, 8h after"),
        (
            "cron(0 22 * * ? *)",
            "3h",
            "duration 3h reaches into the next day where a window opens at 22:00",
        ),
        (
            "cron(0 2/10 * * ? *)",
            "3h",
            "duration 3h reaches into the next day where a window opens at 22:00",
        ),
        (
            "rate(5 hours)",
            "2h",
            "duration 2h reaches into the next day where a window opens at 23:00",
        ),
    ],
)
def test_a_window_reaches_into_no_other(expression: str, duration: str, reason: str) -> None:
    assert _refusal(expression, duration) == reason


@pytest.mark.parametrize(
    ("expression", "interval"),
    [
        ("rate(10 days)", 10 * DAY),
        ("rate(4 hours)", 4 * HOUR),
        ("cron(0 8/8 * * ? *)", 8 * HOUR),
        ("cron(0 2/10 * * ? *)", 4 * HOUR),
        ("cron(0 /7 1 * ? *)", 7 * HOUR),
        ("cron(0 8 * * ? *)", DAY),
        ("cron(0 8 1,15 * ? *)", 14 * DAY),
        ("cron(0 8 1 * ? *)", 28 * DAY),
        ("cron(0 8 L * ? *)", 28 * DAY),
        ("cron(0 8 ? * SAT *)", 7 * DAY),
        ("cron(0 8 ? 1/3 SUN#1 *)", 84 * DAY),
        ("cron(0 8 1,31 1,12 ? *)", DAY),
        ("cron(0 8 29 2 ? *)", 1461 * DAY),
        ("cron(0 8 ? 2 SUN#5 *)", 10227 * DAY),
    ],
)
def test_the_shortest_interval_is_the_shortest_of_all_years(
    expression: str, interval: timedelta
) -> None:
    assert Schedule.parse(expression).shortest_interval() == interval


@pytest.mark.parametrize(
    ("expression", "before", "start"),
    [
        ("rate(1 day)", NOW + 2 * DAY, "2026-03-03 00"),
        ("rate(1 day)", NOW, None),
        ("rate(1 day)", datetime(2026, 3, 2, tzinfo=UTC), "2026-03-02 00"),
        ("cron(0 8/8 * * ? *)", NOW + DAY, "2026-03-02 08"),
        ("cron(0 8/8 * * ? *)", NOW + 5 * HOUR, "2026-03-01 16"),
        ("cron(0 8/8 * * ? *)", NOW + HOUR, None),
        ("cron(0 8 ? * SAT *)", NOW + 300 * DAY, "2026-12-26 08"),
        ("cron(0 8 ? * SAT *)", NOW - DAY, None),
    ],
)
def test_a_window_that_was_missed_is_found(
    expression: str, before: datetime, start: str | None
) -> None:
    window = Schedule.parse(expression).last_window(before, since=NOW)
    assert (None if window is None else f"{window.start:%Y-%m-%d %H}") == start


@pytest.mark.parametrize("expression", ["rate(1 day)", "cron(0 0 * * ? *)"])
def test_a_window_that_opens_as_the_schedule_comes_into_force_does_not_count(
    expression: str,
) -> None:
    schedule, since = Schedule.parse(expression), datetime(2026, 3, 1, tzinfo=UTC)
    assert schedule.last_window(NOW, since=since) is None
    assert schedule.next_window(since - 9 * DAY, since=since).start == since + DAY


def test_a_moment_is_taken_in_any_zone_and_refused_without_one() -> None:
    schedule = Schedule.parse("cron(0 8 * * ? *)")
    there = NOW.astimezone(timezone(9 * HOUR))
    assert schedule.next_window(there, since=there) == schedule.next_window(NOW, since=NOW)
    with pytest.raises(ValueError, match="has no time zone"):
        schedule.next_window(NOW.replace(tzinfo=None), since=NOW)


@given(st.text(alphabet="0123456789/*?,-#L SUNratecondyhus()", max_size=40))
def test_any_text_is_a_schedule_or_refused_in_words_of_the_rules(text: str) -> None:
    for expression in (text, f"rate({text})", f"cron(0 {text} *)"):
        assert _accepted(expression) or "invalid literal" not in _refusal(expression)


def _accepted(expression: str) -> bool:
    try:
        return bool(Schedule.parse(expression))
    except ValueError:
        return False
