"""Moments in text: always UTC, always whole seconds, never without a zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sidecar.clock import SystemClock, iso_seconds, parse_iso_seconds

SEOUL = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC), id="whole"),
        pytest.param(datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC), id="a fraction is cut"),
        pytest.param(datetime(2026, 3, 1, 21, 0, 0, tzinfo=SEOUL), id="another zone"),
    ],
)
def test_moments_are_written_as_whole_seconds_in_utc(moment: datetime) -> None:
    assert iso_seconds(moment) == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    "text",
    ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00+00:00", "2026-03-01T21:00:00+09:00"],
)
def test_moments_are_read_into_utc(text: str) -> None:
    moment = parse_iso_seconds(text)
    assert moment == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-03-01T12:00:00", "2026-13-01T12:00:00Z", "0001-01-01T00:00:00+14:00"],
    ids=["empty", "words", "no zone", "no such month", "before all time"],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_iso_seconds(text)


async def test_the_system_clock_tells_utc_and_moves_on() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0)
    assert before.tzinfo is UTC
    assert before <= clock.now()
