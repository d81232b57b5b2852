"""Pauses double from a second up to a minute, at random, never longer and never none."""

import pytest

from sidecar.secret_cache.pauses import pause_after


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (7, 60), (10**9, 60)]
)
def test_pauses_double_up_to_a_minute(failures: int, longest: float) -> None:
    assert pause_after(failures, jitter=1.0) == longest
    assert pause_after(failures, jitter=0.5) == (1 + longest) / 2
    assert pause_after(failures, jitter=0.0) == 1
