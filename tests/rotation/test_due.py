"""The next rotation is due in the first window after the last one, and at once if that is past."""

from datetime import UTC, datetime, timedelta

import pytest

from sidecar.rotation.due import next_rotation
from sidecar.rotation.schedule import Schedule

ROTATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONTHLY = Schedule.parse("rate(30 days)")
# Midnight, thirty days after the midnight before.
OPENS = datetime(2026, 3, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (ROTATED, OPENS),
        (OPENS - timedelta(seconds=1), OPENS),
        (OPENS, OPENS),
        (OPENS + timedelta(hours=3), OPENS + timedelta(hours=3)),
        (OPENS + timedelta(days=95), OPENS + timedelta(days=95)),
    ],
)
def test_it_is_the_window_s_start_or_now(now: datetime, due: datetime) -> None:
    assert next_rotation(MONTHLY, ROTATED, now, spread=0) == due


def test_sidecars_begin_at_different_moments_of_the_first_half_hour() -> None:
    late = next_rotation(MONTHLY, ROTATED, ROTATED, spread=0.999)
    assert OPENS + timedelta(minutes=29) < late < OPENS + timedelta(minutes=30)


def test_a_secret_without_a_key_gets_one_at_once() -> None:
    assert next_rotation(MONTHLY, None, ROTATED, spread=0.5) == ROTATED


def test_missed_windows_are_made_up_for_by_one_rotation() -> None:
    now = OPENS + timedelta(days=95)
    assert next_rotation(MONTHLY, ROTATED, now, spread=0) == now
    assert next_rotation(MONTHLY, now, now, spread=0) > now + timedelta(days=29)
