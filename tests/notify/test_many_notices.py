"""Many notices and sinks in any state: memory is bounded, order is kept, the sums are right."""

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.errors import UpstreamRefused, UpstreamUnavailable
from sidecar.notice import Notice
from sidecar.notify import outbox
from sidecar.notify.outbox import MOST_WAITING, Outbox, Outboxes, running_outboxes
from sidecar.notify.wanted import Wanted

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.notify.conftest import NewNotice

MANY: Final = 10_000
LONGEST_SECONDS: Final = 20.0  # loosely, for a busy machine; it takes one
THREADS: Final = 4
OUTCOMES: Final = ("busy", "down", "hangs", "refused", "sent")


@dataclass
class PlannedSink:
    """Does for each attempt what is planned, and then as the last plan says for ever."""

    plan: Sequence[str]
    sent: list[str] = field(default_factory=list)
    attempts: int = 0

    async def send(self, notice: Notice) -> None:
        outcome = self.plan[min(self.attempts, len(self.plan) - 1)]
        self.attempts += 1
        if outcome == "hangs":
            await asyncio.Event().wait()
        # A new one each time: what is raised again and again keeps every frame, and its notice.
        if outcome == "down":
            raise UpstreamUnavailable("it is down")
        if outcome == "busy":
            raise UpstreamUnavailable("wait", retry_after_seconds=90)
        if outcome == "refused":
            raise UpstreamRefused("no")
        self.sent.append(notice.thread)  # and not the notice: it is to be forgotten


def _check(outboxes: Outboxes, told: int) -> None:
    """See that each notice is in one place."""
    for stands in outboxes.standings().values():
        assert stands.sent + stands.failed + stands.dropped + stands.queued == told
        assert stands.queued <= MOST_WAITING
        assert (stands.lost_since is None) is (stands.failed + stands.dropped == 0)


async def _play(
    clock: "ManualClock", new_notice: "NewNotice", plans: list[list[str]], steps: list[int]
) -> None:
    """Tell so many, or let so many seconds pass where a step is negative."""
    sinks, told = [PlannedSink(each) for each in plans], 0
    made = [
        Outbox(f"s{number}", sink, Wanted(), clock, lambda: 0.5)
        for number, sink in enumerate(sinks)
    ]
    async with running_outboxes(made) as outboxes:
        for step in steps:
            for _ in range(step):
                outboxes.tell(new_notice(thread=str(told)))
                told += 1
            await clock.advance(max(-step, 0))
            _check(outboxes, told)
    _check(outboxes, told)
    for sink, stands in zip(sinks, outboxes.standings().values(), strict=True):
        assert (stands.sent, stands.queued) == (len(sink.sent), 0)
        assert sink.sent == sorted(set(sink.sent), key=int)


def test_whatever_sinks_do_each_notice_is_counted_once_and_order_is_kept(
    clock: "ManualClock",
    new_notice: "NewNotice",
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "CLOSING_SECONDS", 0.001)
    plans = st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=6)
    steps = st.lists(st.integers(-400, 400), min_size=1, max_size=8)

    @given(st.lists(plans, min_size=1, max_size=3), steps)
    @settings(max_examples=60, deadline=None)
    def check(plans: list[list[str]], steps: list[int]) -> None:
        asyncio.run(_play(type(clock)(now), new_notice, plans, steps))

    check()


def _alive() -> int:
    """Tell how many notices there are in memory."""
    gc.collect()
    return sum(isinstance(each, Notice) for each in gc.get_objects())


async def test_ten_thousand_notices_from_threads_beside_a_sink_that_hangs_fill_no_memory(
    clock: "ManualClock", new_notice: "NewNotice", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CLOSING_SECONDS", 0.01)
    plans = (["hangs"], ["sent"], ["refused"], ["busy"])
    sinks, before = [PlannedSink(each) for each in plans], _alive()
    made = [Outbox(str(number), each, Wanted(), clock) for number, each in enumerate(sinks)]
    async with running_outboxes(made) as outboxes:

        def tell(first: int) -> None:
            for number in range(first, MANY, THREADS):
                outboxes.tell(new_notice(thread=str(number)))

        begun = time.monotonic()
        await asyncio.gather(*(asyncio.to_thread(tell, first) for first in range(THREADS)))
        assert time.monotonic() - begun < LONGEST_SECONDS
        assert _alive() - before <= MOST_WAITING * len(sinks)
        _check(outboxes, MANY)
    _check(outboxes, MANY)
    for first in range(THREADS):
        of_one = [int(each) for each in sinks[1].sent if int(each) % THREADS == first]
        assert of_one == sorted(of_one)
