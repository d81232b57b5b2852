"""What docs/renewal.md promises of ten thousand sidecars, by the simulation behind its tables."""

from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import pytest

from benchmarks.renewal_storm import QUOTA, Course, Helper, OnePace, Sidecar, play, restart, running
from benchmarks.storm_plot import Curve, plot
from benchmarks.storm_report import restart_row, restarts, with_tables

FLEET = 10_000
OUTAGE = (0.0, 60.0)
# The outage, and a session for each at the rate of the quota.
SHORTEST = OUTAGE[1] + FLEET / QUOTA
PAGE = Path(__file__).parents[2] / "docs/renewal.md"


@pytest.fixture(scope="module")
def restarted() -> Course:
    """Give the course of a restart in an outage."""
    return play(restart(FLEET, outage=OUTAGE), Sidecar(), Random(1))


def test_after_a_restart_everybody_gets_a_session_and_nobody_much_later(restarted: Course) -> None:
    assert len(restarted.healed_at) == FLEET
    assert SHORTEST <= restarted.healed(1) < 1.25 * SHORTEST
    assert restarted.expired == set()


def test_after_a_restart_the_rate_comes_down_to_the_order_of_the_quota(restarted: Course) -> None:
    assert restarted.busiest(60, 120) < 40 * QUOTA
    assert restarted.busiest(180, 3600) < 10 * QUOTA
    assert sum(restarted.requests[second] for second in range(1800)) < 15 * FLEET


def test_a_session_is_never_given_faster_than_the_quota_allows(restarted: Course) -> None:
    moments = sorted(restarted.healed_at.values())
    assert all(late - early > 0.99 for early, late in zip(moments, moments[20:], strict=False))


def test_the_same_pace_for_everything_would_cost_twice_the_requests(restarted: Course) -> None:
    """The simulation can tell a worse policy."""
    other = play(restart(FLEET, outage=OUTAGE), OnePace(), Random(1))
    ours, theirs = (sum(each.requests[s] for s in range(1500)) for each in (restarted, other))
    assert theirs > 2 * ours


@pytest.mark.parametrize("minutes", [1, 10])
def test_a_running_fleet_loses_no_session_in_an_outage(minutes: int) -> None:
    random = Random(2)
    course = play(running(FLEET, Sidecar(), random, outage=(0, 60 * minutes)), Sidecar(), random)
    assert course.expired == set()
    assert len(course.healed_at) == len(course.troubled) > 100


def test_who_renews_with_five_minutes_left_loses_sessions_in_ten() -> None:
    random = Random(2)
    fleet = running(1000, Helper(), random, outage=(0, 600))
    assert len(play(fleet, Helper(), random).expired) > 50


def test_the_refused_leave_the_quota_to_the_others() -> None:
    random, half = Random(3), FLEET // 2
    course = play(running(FLEET, Sidecar(), random, refused=half), Sidecar(), random)
    assert [n for n in course.expired if n < half] == []
    assert course.rate(3600, 7200) < QUOTA


def test_a_start_spread_over_the_whole_time_meets_no_throttling() -> None:
    course = play(restart(FLEET, outage=(0, 0), spread=FLEET / QUOTA), Sidecar(), Random(4))
    assert sum(course.requests[second] for second in range(1000)) == FLEET


def test_the_documented_figures_are_those_of_this_policy() -> None:
    row = restart_row("sidecar", restarts("sidecar")["sidecar"])
    assert row in PAGE.read_text(), "run: python -m benchmarks.storm_report"


def test_tables_replace_those_between_their_marks_and_nothing_else() -> None:
    page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n"
    assert with_tables(page, {"x": "new"}) == page.replace("old", "new")


def test_the_plot_is_of_all_curves_and_well_formed() -> None:
    drawn = plot([Curve("a", [1, 10_000], [0, 50]), Curve("b", [0, 99_999], [0, 100])], step=60)
    assert len(ET.fromstring(drawn)) > 10
    assert drawn.count("stroke-width='2'") == 4
