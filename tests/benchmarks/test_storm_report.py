"""Every figure in docs/renewal.md is what the simulation gives today."""

import re
from collections.abc import Iterator
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from benchmarks import storm_report as report
from benchmarks.renewal_storm import QUOTA, Course
from benchmarks.storm_plot import Curve, plot
from sidecar.providers.refresh_policy import OUTAGE, REFUSED, THROTTLED, Pace, back_off

PAGE = (report.DOCS / "renewal.md").read_text()
PLOT = (report.DOCS / "renewal-storm.svg").read_text()
AGAIN = "run: python -m benchmarks.storm_report"
# These take five seconds each, so they are compared with a tenth of fleet and quota.
SLOW_RESTART, SLOW_REFUSED, PART = report.HELPER, report.ONE_PACE, 10


def documented(table: str) -> dict[str, str]:
    """Give the rows of a table in the page by their first cell."""
    found = re.search(f"<!-- {table}: begin -->\n(.*)\n<!-- {table}: end -->", PAGE, re.DOTALL)
    assert found is not None
    _, _, *rows = found[1].splitlines()
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


def figures(row: str) -> Iterator[float]:
    """Read the figures of a row, moments in seconds."""
    for cell in row.strip("| ").split(" | ")[1:]:
        minutes, _, seconds = cell.removesuffix("/s").replace(",", "").rpartition(":")
        yield 60 * int(minutes or 0) + float(seconds)


@pytest.fixture(scope="module")
def courses() -> dict[str, Course]:
    """Give the quick restarts."""
    return {name: report.restarted(name) for name in documented("restart") if name != SLOW_RESTART}


def test_restarts_are_those_of_this_policy(courses: dict[str, Course]) -> None:
    rows = documented("restart")
    made = {name: report.restart_row(name, course) for name, course in courses.items()}
    assert made == {name: rows[name] for name in made}, AGAIN
    assert set(rows) == {*report.COMPARED, report.LONGER}


def test_the_slow_restart_is_that_of_its_policy() -> None:
    course = report.restarted(SLOW_RESTART, part=PART)
    row = report.restart_row(SLOW_RESTART, course, part=PART)
    assert list(figures(row)) == pytest.approx(
        list(figures(documented("restart")[SLOW_RESTART])), rel=0.1
    ), AGAIN


def test_outages_are_those_of_this_policy() -> None:
    assert documented("outage") == {n: report.outage_row(n) for n in report.COMPARED}, AGAIN


def test_what_the_refused_do_is_that_of_this_policy() -> None:
    rows = documented("refused")
    assert rows[report.SIDECAR] == report.refused_row(report.SIDECAR), AGAIN
    assert list(figures(rows[SLOW_REFUSED])) == pytest.approx(
        list(figures(report.refused_row(SLOW_REFUSED, part=PART))), rel=0.25
    ), AGAIN
    assert set(rows) == {report.SIDECAR, SLOW_REFUSED}


def test_spread_starts_are_those_of_this_policy() -> None:
    made = [report.spread_row(seconds) for seconds in report.SPREADS]
    assert list(documented("spread").values()) == made, AGAIN


def test_moments_of_renewal_are_those_of_this_policy() -> None:
    made = [report.lifetime_row(label) for label in report.LIFETIMES]
    assert list(documented("lifetime").values()) == made, AGAIN


def test_the_plot_is_of_this_policy(courses: dict[str, Course]) -> None:
    """Each curve's path; those of one policy, drawn alone, have the colour of the first."""
    drawn = report.storm_plot({report.SIDECAR: courses[report.SIDECAR]})
    paths = [line for line in drawn.splitlines() if "stroke-width='2'" in line]
    assert len(paths) == 2
    assert all(path in PLOT for path in paths), AGAIN


def test_a_running_fleet_loses_no_session_in_an_outage() -> None:
    met_it, *_, lost, lost_in_a_longer_one = figures(documented("outage")[report.SIDECAR])
    assert met_it > 100
    assert (lost, lost_in_a_longer_one) == (0, 0)


def test_the_refused_leave_the_quota_to_the_others() -> None:
    _, later, lost = figures(documented("refused")[report.SIDECAR])
    assert later < QUOTA
    assert lost == 0


def test_only_a_spread_over_more_time_than_the_quota_needs_meets_no_throttling() -> None:
    at_once, *_, exactly, longer = (list(figures(row))[1] for row in documented("spread").values())
    assert at_once > 5
    assert 1.1 < exactly < 2
    assert longer == 1


def test_what_the_page_says_of_a_longer_cap_is_so(courses: dict[str, Course]) -> None:
    ours, longer = (courses[name] for name in (report.SIDECAR, report.LONGER))
    asked, asked_less = (sum(each.requests[s] for s in range(1500)) for each in (ours, longer))
    assert 0.8 * asked < asked_less < asked
    assert longer.healed(1) > ours.healed(1)


def test_no_restart_is_faster_than_the_page_says(courses: dict[str, Course]) -> None:
    shortest = report.OUTAGE[1] + report.FLEET / QUOTA
    assert f"{timedelta(seconds=shortest)}".removeprefix("0:") in PAGE
    assert all(course.healed(1) >= shortest for course in courses.values())


@pytest.mark.parametrize(
    ("label", "pace"), [("no answer", OUTAGE), ("throttled", THROTTLED), ("refused", REFUSED)]
)
def test_pauses_are_those_of_this_policy(label: str, pace: Pace) -> None:
    least = back_off(1, pace, jitter=0).total_seconds()
    shortest = "half of the longest" if pace.least == 0.5 else f"{least:g} s"
    minutes = pace.cap / timedelta(minutes=1)
    cap = f"{minutes:g} minute{'s' if minutes > 1 else ''}"
    pauses = f"| {pace.first.seconds} s … {cap} | {shortest} |"
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {label}"))
    assert row.endswith(pauses)


def test_tables_replace_those_between_their_marks_and_nothing_else() -> None:
    page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n"
    assert report.with_tables(page, {"x": "new"}) == page.replace("old", "new")


def test_the_plot_is_of_all_curves_and_well_formed() -> None:
    drawn = plot([Curve("a", [1, 10_000], [0, 50]), Curve("b", [0, 99_999], [0, 100])], step=60)
    assert len(ET.fromstring(drawn)) > 10
    assert drawn.count("stroke-width='2'") == 4
