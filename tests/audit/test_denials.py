"""A burst of denials is told once, and the few that always happen never."""

import pytest

from sidecar.audit.denials import MOST, QUIET_SECONDS, WITHIN_SECONDS, Denials


def _told(denials: Denials, *moments: float, app: str = "web") -> list[float]:
    return [moment for moment in moments if denials.seen(app, moment)]


def _burst(start: float, count: int = MOST, within: float = WITHIN_SECONDS) -> list[float]:
    return [start + within * number / (MOST - 1) for number in range(count)]


@pytest.mark.parametrize(
    ("moments", "told"),
    [
        pytest.param(_burst(0, MOST - 1), [], id="one too few"),
        pytest.param(_burst(0), [60.0], id="so many within a minute"),
        pytest.param(_burst(0, within=WITHIN_SECONDS + 1), [], id="a little too slow"),
        pytest.param([0.0] * MOST * 3, [0.0], id="all at once, and only the first burst"),
        pytest.param([*_burst(0), *_burst(100)], [60.0], id="quiet after a burst"),
        pytest.param(
            [*_burst(0), *_burst(QUIET_SECONDS)], [60.0, QUIET_SECONDS + 60], id="another later"
        ),
    ],
)
def test_when_a_burst_is_told(moments: list[float], told: list[float]) -> None:
    assert _told(Denials(), *moments) == pytest.approx(told)


def test_apps_are_counted_each_by_itself() -> None:
    denials = Denials()
    assert _told(denials, *_burst(0, MOST - 1), app="web") == []
    assert _told(denials, *_burst(0, MOST - 1), app="") == []
    assert _told(denials, 60.0, app="web") == [60.0]
    assert _told(denials, 60.0, app="") == [60.0]
