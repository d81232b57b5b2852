"""What `renewal_storm` shows, as tables and a plot for docs/renewal.md.

Run ``python -m benchmarks.storm_report`` after a change of the refresh policy; it takes half a
minute and writes both. Each row of a table is a function of its own: the tests make the quick ones
again, and the slow ones with a part of fleet and quota.
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.renewal_storm import (
    QUOTA,
    Course,
    Helper,
    LongerPauses,
    OnePace,
    Policy,
    Sidecar,
    play,
    restart,
    running,
)
from benchmarks.storm_plot import Curve, plot

DOCS: Final = Path(__file__).parents[1] / "docs"
FLEET: Final = 10_000
OUTAGE: Final = (0.0, 60.0)
_SEED: Final = 20260301
# All have a session by then, and nobody renews it yet.
_RESTARTED: Final = 1800

SIDECAR: Final = "sidecar"
ONE_PACE: Final = "one back-off for all"
HELPER: Final = "signing helper, restarted"
LONGER: Final = "sidecar with twice the cap"
_POLICIES: Final[dict[str, Policy]] = {
    SIDECAR: Sidecar(),
    ONE_PACE: OnePace(),
    HELPER: Helper(),
    LONGER: LongerPauses(),
}
COMPARED: Final = (SIDECAR, ONE_PACE, HELPER)
LIFETIMES: Final = {
    "15 minutes": timedelta(minutes=15),
    "1 hour": timedelta(hours=1),
    "12 hours": timedelta(hours=12),
}
SPREADS: Final = (0, 10, 300, 1000, 1200)


def lifetime_row(label: str) -> str:
    """Say when a session of this length is renewed, and how many of them the quota keeps going."""
    early, late = (Sidecar().renewal(0, jitter, lifetime=LIFETIMES[label]) for jitter in (1.0, 0.0))
    moments = " to ".join(str(timedelta(seconds=each)) for each in (early, late))
    return _row(label, moments, f"{QUOTA * (early + late) / 2:,.0f}")


def restarted(name: str, *, part: int = 1) -> Course:
    """Start everything at the beginning of an outage, or such a part of fleet and quota."""
    random = _random()
    scenario = restart(FLEET // part, random, outage=OUTAGE, quota=QUOTA / part, lasts=_RESTARTED)
    return play(scenario, _POLICIES[name], random)


def restart_row(name: str, course: Course, *, part: int = 1) -> str:
    """Say what a restart costs and how long it takes, given in the measure of the whole fleet."""
    return _row(
        name,
        f"{part * _most(course):,}",
        f"{part * course.busiest(OUTAGE[1], course.healed(1)):,.0f}/s",
        f"{_each(course):,.1f}",
        *(_minutes(course.healed(share)) for share in (0.5, 0.99, 1)),
    )


def outage_row(name: str) -> str:
    """Say how a running fleet gets over an outage, and a longer one."""
    course, longer = (_outage(_POLICIES[name], seconds) for seconds in (60, 600))
    return _row(
        name,
        f"{len(course.troubled):,}",
        f"{course.busiest(0, 1800):,.0f}/s",
        *(_minutes(course.healed(share)) for share in (0.99, 1)),
        f"{len(course.expired):,}",
        f"{len(longer.expired):,}",
    )


def _outage(policy: Policy, seconds: float) -> Course:
    random = _random()
    return play(running(FLEET, policy, random, outage=(0, seconds)), policy, random)


def refused_row(name: str, *, part: int = 1) -> str:
    """Say what the half of a fleet that is refused does to the other half of it."""
    random, half, policy = _random(), FLEET // part // 2, _POLICIES[name]
    fleet = running(2 * half, policy, random, refused=half, quota=QUOTA / part)
    course = play(fleet, policy, random)
    lost = sum(n < half for n in course.expired)
    rates = (f"{part * course.rate(at, at + 3600):,.0f}/s" for at in (0, 3600))
    return _row(name, *rates, f"{part * lost:,}")


def spread_row(seconds: int) -> str:
    """Say what spreading the first requests does to a restart without any outage."""
    random = _random()
    scenario = restart(FLEET, random, spread=seconds, lasts=_RESTARTED)
    course = play(scenario, Sidecar(), random)
    return _row(
        "no time" if seconds == 0 else f"{seconds:,} s",
        f"{_most(course):,}",
        f"{_each(course):,.1f}",
        _minutes(course.healed(0.5)),
        _minutes(course.healed(1)),
    )


def tables(courses: dict[str, Course]) -> dict[str, str]:
    """Make every table anew, by its mark in the page; the courses are those of a restart."""
    return {
        "lifetime": _table(
            "| session | renewed after | sidecars that 10 sessions a second keep going |",
            (lifetime_row(label) for label in LIFETIMES),
        ),
        "restart": _table(
            "| | most in a second | after the outage | requests a session | half | 99 % | all |",
            (restart_row(name, course) for name, course in courses.items()),
        ),
        "outage": _table(
            "| | met it | busiest 10 s | 99 % renewed | all | sessions lost | … in 10 minutes |",
            (outage_row(name) for name in COMPARED),
        ),
        "refused": _table(
            "| | requests in the first hour | in the second | of the others, lost their session |",
            (refused_row(name) for name in (SIDECAR, ONE_PACE)),
        ),
        "spread": _table(
            "| first requests within | most in a second | requests a session | half | all |",
            (spread_row(seconds) for seconds in SPREADS),
        ),
    }


def curves(courses: dict[str, Course], until: int, step: int) -> list[Curve]:
    """Take requests a second, and the percentage that has a session, by time."""
    ends = range(step, until + 1, step)
    return [
        Curve(
            name,
            [course.rate(end - step, end) for end in ends],
            [100 * sum(at < end for at in course.healed_at.values()) / FLEET for end in ends],
        )
        for name, course in courses.items()
    ]


def storm_plot(courses: dict[str, Course]) -> str:
    """Draw the first half hour of a restart."""
    return plot(curves(courses, until=_RESTARTED, step=10), step=10)


def with_tables(page: str, made: dict[str, str]) -> str:
    """Put each table between its marks in the page."""
    for name, table in made.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return page


def main() -> None:
    """Write tables and plot into docs/."""
    courses = {name: restarted(name) for name in _POLICIES}
    page = DOCS / "renewal.md"
    page.write_text(with_tables(page.read_text(), tables(courses)))
    drawn = {name: courses[name] for name in COMPARED}
    (DOCS / "renewal-storm.svg").write_text(storm_plot(drawn))


def _each(course: Course) -> float:
    """Give the requests that each sidecar made until the last had its session."""
    last = course.healed(1)
    made = sum(n for second, n in course.requests.items() if second <= last)
    return made / len(course.troubled)


def _most(course: Course) -> int:
    last = course.healed(1)
    return max(n for second, n in course.requests.items() if second <= last)


def _random() -> Random:
    return Random(_SEED)  # noqa: S311 - a simulation that can be run again


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _table(head: str, rows: Iterable[str]) -> str:
    """Align the first column to the left and the figures to the right."""
    columns = head.count("|") - 2
    return "\n".join([head, f"|---|{'--:|' * columns}", *rows])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
