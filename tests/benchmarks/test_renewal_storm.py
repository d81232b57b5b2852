"""What docs/renewal.md promises of ten thousand sidecars, by the simulation behind its tables."""

from random import Random

import pytest

from benchmarks.renewal_storm import (
    QUOTA,
    Course,
    Helper,
    OnePace,
    Sidecar,
    play,
    restart,
    running,
)

FLEET = 10_000
OUTAGE = (0.0, 60.0)
# The outage, and a session for each at the rate of the quota.
SHORTEST = OUTAGE[1] + FLEET / QUOTA


@pytest.fixture(scope="module")
def restarted() -> Course:
    """Give the course of a restart in an outage."""
    random = Random(1)
    return play(restart(FLEET, random, outage=OUTAGE), Sidecar(), random)


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


def test_the_same_pace_for_everything_would_cost_twice_the_requests() -> None:
    """The simulation can tell a worse policy."""
    requests = []
    for policy in (Sidecar(), OnePace()):
        random = Random(1)
        scenario = restart(1000, random, outage=OUTAGE, quota=1, lasts=1500)
        requests.append(sum(play(scenario, policy, random).requests.values()))
    ours, theirs = requests
    assert theirs > 2 * ours


def test_who_renews_with_five_minutes_left_loses_sessions_in_ten() -> None:
    random = Random(2)
    fleet = running(1000, Helper(), random, outage=(0, 600))
    assert len(play(fleet, Helper(), random).expired) > 50


def test_starts_are_spread_at_random_over_the_whole_time() -> None:
    first = restart(FLEET, Random(5), spread=1000).first
    hundreds = [sum(begin <= at < begin + 100 for at in first) for begin in range(0, 1000, 100)]
    assert all(900 < each < 1100 for each in hundreds)
    assert len(set(hundreds)) > 1
