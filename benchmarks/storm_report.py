"""What `renewal_storm` shows, as a table and a plot for docs/renewal.md.

Run ``python -m benchmarks.storm_report`` after a change of the refresh policy; it takes a minute
and writes both.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.renewal_storm import (
    Course,
    Helper,
    OnePace,
    Policy,
    Sidecar,
    play,
    restart,
    running,
)
from benchmarks.storm_plot import Curve, plot

_DOCS: Final = Path(__file__).parents[1] / "docs"
_FLEET: Final = 10_000
_OUTAGE: Final = (0.0, 60.0)
_SEED: Final = 20260301

_NAMES: Final[Sequence[tuple[str, Policy]]] = (
    ("sidecar", Sidecar()),
    ("one back-off for all", OnePace()),
    ("signing helper, restarted", Helper()),
)


def restarts(*names: str) -> dict[str, Course]:
    """Start everything at the beginning of an outage, by each policy or only by those named."""
    scenario = restart(_FLEET, outage=_OUTAGE)
    chosen = [each for each in _NAMES if not names or each[0] in names]
    return {name: play(scenario, policy, _random()) for name, policy in chosen}


def restart_table(courses: dict[str, Course]) -> Iterator[str]:
    """Compare what a restart costs and how long it takes."""
    yield "| | most in a second | after the outage | requests a session | half | 99 % | all |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    yield from (restart_row(name, course) for name, course in courses.items())


def restart_row(name: str, course: Course) -> str:
    """Give a policy's line."""
    return _row(
        name,
        f"{_most(course):,}",
        f"{course.busiest(_OUTAGE[1], course.healed(1)):,.0f}/s",
        f"{_until(course):,.0f}",
        *(_minutes(course.healed(share)) for share in (0.5, 0.99, 1)),
    )


def outage_table() -> Iterator[str]:
    """Compare how a running fleet gets over an outage, and a longer one."""
    yield "| | met it | busiest 10 s | 99 % renewed | all | sessions lost | … in 10 minutes |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for name, policy in _NAMES:
        course, longer = (_outage(policy, seconds) for seconds in (60, 600))
        yield _row(
            name,
            f"{len(course.troubled):,}",
            f"{course.busiest(0, 1800):,.0f}/s",
            *(_minutes(course.healed(share)) for share in (0.99, 1)),
            f"{len(course.expired):,}",
            f"{len(longer.expired):,}",
        )


def _outage(policy: Policy, seconds: float) -> Course:
    random = _random()
    return play(running(_FLEET, policy, random, outage=(0, seconds)), policy, random)


def refused_table() -> Iterator[str]:
    """Show what 5,000 refused sidecars do to 5,000 others of their account."""
    half = _FLEET // 2
    yield "| | requests in the first hour | in the second | of the others, lost their session |"
    yield "|---|--:|--:|--:|"
    for name, policy in _NAMES[:2]:
        random = _random()
        course = play(running(_FLEET, policy, random, refused=half), policy, random)
        lost = sum(n < half for n in course.expired)
        rates = (f"{course.rate(at, at + 3600):,.0f}/s" for at in (0, 3600))
        yield _row(name, *rates, f"{lost:,}")


def spread_table() -> Iterator[str]:
    """Show what spreading the first requests does to a restart without any outage."""
    yield "| first requests within | most in a second | requests a session | half | all |"
    yield "|---|--:|--:|--:|--:|"
    for seconds in (0, 10, 300, 1000):
        scenario = restart(_FLEET, outage=(0, 0), spread=seconds)
        course = play(scenario, Sidecar(), _random())
        yield _row(
            "no time" if seconds == 0 else f"{seconds:,} s",
            f"{_most(course):,}",
            f"{_until(course):,.1f}",
            _minutes(course.healed(0.5)),
            _minutes(course.healed(1)),
        )


def curves(courses: dict[str, Course], until: int, step: int) -> list[Curve]:
    """Take requests a second, and the percentage that has a session, by time."""
    ends = range(step, until + 1, step)
    return [
        Curve(
            name,
            [course.rate(end - step, end) for end in ends],
            [100 * sum(at < end for at in course.healed_at.values()) / _FLEET for end in ends],
        )
        for name, course in courses.items()
    ]


def with_tables(page: str, tables: dict[str, str]) -> str:
    """Put each table between its marks in the page."""
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return page


def main() -> None:
    """Write tables and plot into docs/."""
    courses = restarts()
    tables = {
        "restart": restart_table(courses),
        "outage": outage_table(),
        "refused": refused_table(),
        "spread": spread_table(),
    }
    page = _DOCS / "renewal.md"
    page.write_text(with_tables(page.read_text(), {k: "\n".join(v) for k, v in tables.items()}))
    (_DOCS / "renewal-storm.svg").write_text(plot(curves(courses, until=1800, step=10), step=10))


def _until(course: Course) -> float:
    """Give the requests that each sidecar made until the last had its session."""
    last = course.healed(1)
    return sum(n for second, n in course.requests.items() if second <= last) / _FLEET


def _most(course: Course) -> int:
    last = course.healed(1)
    return max(n for second, n in course.requests.items() if second <= last)


def _random() -> Random:
    return Random(_SEED)  # noqa: S311 - a simulation that can be run again


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
