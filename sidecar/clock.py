"""The only place that reads the machine's clock; everything else takes `now` as an argument."""

import time
from datetime import UTC, datetime
from typing import Final, Protocol

# Goes on while the machine is suspended, and cannot be set; elsewhere than on Linux the next best.
_ELAPSED: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What the shell needs of time; tests move theirs by hand."""

    def now(self) -> datetime:
        """Return the wall-clock time in UTC."""
        ...

    def elapsed(self) -> float:
        """Return seconds since some moment, not moved by setting the wall clock."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock's time."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the wall-clock time in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Return seconds since the machine started, its suspended times included."""
        return time.clock_gettime(_ELAPSED)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        import asyncio  # noqa: PLC0415 - most commands only ask what time it is

        await asyncio.sleep(seconds)


def iso_seconds(moment: datetime) -> str:
    """Write a moment as ``YYYY-MM-DDTHH:MM:SSZ``, fractions cut off.

    Swift's SDK reads a fraction as "never expires", so no door ever sends one.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso_seconds(text: str) -> datetime:
    """Read an ISO 8601 moment with a zone, as AWS writes its expirations.

    Raises:
        ValueError: not a date, one without a zone, or one that UTC cannot hold.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    try:
        return moment.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(f"out of range: {text!r}") from exc
