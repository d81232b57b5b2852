"""What an event costs the event loop, and how many lines a second the trail's thread writes.

Run: python -m benchmarks.audit_trail [EVENTS]. Events come at 5,000 a second for the cost, while
the thread writes them; then all at once for the rate. Both share the interpreter with the rest of
the sidecar. The table is Markdown.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sidecar.audit.event import AuditEvent, Result
from sidecar.audit.sink import Sink
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail import AuditTrail
from sidecar.audit.trail_file import TrailFile
from sidecar.clock import SystemClock

_EVENTS: Final = 50_000
_TOGETHER: Final = 10
_PAUSE_SECONDS: Final = 0.002
_LONGEST: Final = 64 << 20

EVENT: Final = AuditEvent(
    time=datetime(2026, 3, 1, 12, tzinfo=UTC),
    door="secrets",
    action="secretsmanager:GetSecretValue",
    result=Result.GRANTED,
    resource="prod/web/database",
    app="web",
    token_id="3f2a9c71",  # noqa: S106 - an id
    cache="hit",
    peer="127.0.0.1:40000",
    access_key_id="ASIAEXAMPLE",
)


def main() -> None:
    """Measure and print."""
    events = int(sys.argv[1]) if sys.argv[1:] else _EVENTS
    machine = f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {events} events"
    rows = ["| destination | record(), median | p99 | lines a second |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as directory:
        for name, sink in _sinks(Path(directory)).items():
            costs = _costs(sink(), events)
            rate = _rate(sink(), events)
            median, p99 = statistics.median(costs), statistics.quantiles(costs, n=100)[-1]
            rows.append(f"| {name} | {median / 1000:.1f} µs | {p99 / 1000:.1f} µs | {rate:,.0f} |")
    sys.stdout.write("\n".join([machine, "", *rows, ""]))


def _sinks(directory: Path) -> Mapping[str, Callable[[], Sink]]:
    def file(name: str, *, chained: bool) -> TrailFile:
        return TrailFile(directory / name, chained=chained, longest=_LONGEST, keep=1)

    return {
        "a file": lambda: file("plain", chained=False),
        "a file, chained": lambda: file("chained", chained=True),
        "/dev/null as stdout": lambda: Stdout(os.open(os.devnull, os.O_WRONLY)),
    }


def _costs(sink: Sink, events: int) -> list[int]:
    """Give the nanoseconds that each event took of a loop that has other things to do."""
    trail = AuditTrail(sink, SystemClock())
    trail.start()
    costs = []
    for _ in range(events // _TOGETHER):
        for _ in range(_TOGETHER):
            begin = time.perf_counter_ns()
            trail.record(EVENT)
            costs.append(time.perf_counter_ns() - begin)
        time.sleep(_PAUSE_SECONDS)
    trail.close()
    return costs


def _rate(sink: Sink, events: int) -> float:
    """Give the lines a second that are written when they all wait already."""
    trail = AuditTrail(sink, SystemClock(), most_waiting=events)
    for _ in range(events):
        trail.record(EVENT)
    begin = time.perf_counter()
    trail.start()
    trail.close(seconds=600)
    if trail.dropped:
        raise RuntimeError(f"{trail.dropped} events were dropped")
    return events / (time.perf_counter() - begin)


if __name__ == "__main__":
    main()
