"""Whatever a sink does, telling returns at once, and what becomes of each notice is counted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.errors import UpstreamRefused, UpstreamUnavailable
from sidecar.notice import Notice, Severity
from sidecar.notify import outbox
from sidecar.notify.outbox import MOST_WAITING, Outbox, Outboxes, running_outboxes
from sidecar.notify.sink import Sink
from sidecar.notify.wanted import Wanted
from tests.notify.conftest import PlannedSink, always

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.notify.conftest import NewNotice, UntilTrue

DOWN = UpstreamUnavailable("it is down")
REFUSED = UpstreamRefused("there is no such topic", hint="check topic_arn")
Run = Callable[..., AbstractAsyncContextManager[Outboxes]]


class HangingSink:
    """Never answers."""

    sending: Notice

    async def send(self, notice: Notice) -> None:
        self.sending = notice
        await asyncio.Event().wait()


@pytest.fixture
def run(clock: "ManualClock") -> Run:
    """Give a block in which a sink is sent what is told."""

    @asynccontextmanager
    async def block(*sinks: Sink, wanted: Wanted | None = None) -> AsyncIterator[Outboxes]:
        named = enumerate(sinks)
        made = [
            Outbox(f"s{number}", sink, wanted or Wanted(), clock, lambda: 1.0)
            for number, sink in named
        ]
        async with running_outboxes(made) as outboxes:
            yield outboxes

    return block


async def test_what_is_told_is_sent_in_order_to_every_sink(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    one, two = PlannedSink(), PlannedSink()
    notices = [new_notice(thread=str(number)) for number in range(3)]
    async with run(one, two) as outboxes:
        for each in notices:
            outboxes.tell(each)
        await clock.advance(0)
        assert one.sent == two.sent == notices
        assert outboxes.standings()["s1"].sent == 3


async def test_what_a_sink_is_not_for_is_not_sent(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink()
    async with run(sink, wanted=Wanted(minimum=Severity.ERROR)) as outboxes:
        outboxes.tell(new_notice(severity=Severity.WARNING))
        await clock.advance(0)
        assert sink.attempts == 0


async def test_a_failure_is_shown_and_tried_again_until_it_works(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink([DOWN, DOWN])
    async with run(sink) as outboxes:
        outboxes.tell(new_notice())
        await clock.advance(0)
        assert outboxes.warnings() == {"notify s0": "not sent: it is down"}
        assert outboxes.standings()["s0"].queued == 1
        await clock.advance(1)
        assert sink.sent == []
        await clock.advance(2)
        assert sink.sent == [new_notice()]
        assert outboxes.warnings() == {}


async def test_an_answer_that_will_not_change_is_not_asked_for_again(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink([REFUSED])
    async with run(sink) as outboxes:
        outboxes.tell(new_notice())
        await clock.advance(3600)
        stands = outboxes.standings()["s0"]
        assert (sink.attempts, stands.failed, stands.queued) == (1, 1, 0)
        assert stands.trouble == "there is no such topic"


async def test_a_notice_is_given_up_when_it_is_old_and_the_next_one_has_its_turn(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink(always(DOWN))
    async with run(sink) as outboxes:
        outboxes.tell(new_notice())
        await clock.advance(700)
        assert outboxes.standings()["s0"].failed == 1
        sink.errors.clear()
        outboxes.tell(new_notice(thread="next"))
        await clock.advance(1)
        assert [each.thread for each in sink.sent] == ["next"]


async def test_a_sink_that_asks_to_be_left_alone_is_with_every_notice(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink([UpstreamUnavailable("wait", retry_after_seconds=1000)])
    async with run(sink) as outboxes:
        outboxes.tell(new_notice(thread="too old by then"))
        outboxes.tell(new_notice(thread="as old"))
        await clock.advance(500)
        assert (sink.attempts, outboxes.standings()["s0"].failed) == (1, 2)
        outboxes.tell(new_notice(thread="young enough"))
        await clock.advance(499)
        assert sink.attempts == 1
        await clock.advance(1)
        assert [each.thread for each in sink.sent] == ["young enough"]


async def test_no_sink_is_left_alone_for_ever(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink([UpstreamUnavailable("wait", retry_after_seconds=999_999_999)])
    async with run(sink) as outboxes:
        outboxes.tell(new_notice())
        await clock.advance(3600)
        outboxes.tell(new_notice())
        await clock.advance(0)
        assert len(sink.sent) == 1


async def test_a_bug_in_a_sink_fails_one_notice_and_nothing_else(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink([KeyError("x")])
    async with run(sink) as outboxes:
        outboxes.tell(new_notice(thread="first"))
        outboxes.tell(new_notice(thread="second"))
        await clock.advance(1)
        assert [each.thread for each in sink.sent] == ["second"]
        assert outboxes.standings()["s0"].failed == 1


async def test_a_sink_that_hangs_holds_neither_the_teller_nor_another_sink_up(
    run: Run,
    clock: "ManualClock",
    new_notice: "NewNotice",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "CLOSING_SECONDS", 0.05)
    other = PlannedSink()
    async with run(HangingSink(), other) as outboxes:
        for _ in range(MOST_WAITING + 3):
            outboxes.tell(new_notice())
            await clock.advance(0)
        stands = outboxes.standings()
        assert (stands["s0"].queued, stands["s0"].dropped) == (MOST_WAITING, 3)
        assert len(other.sent) == MOST_WAITING + 3
    assert outboxes.standings()["s0"].dropped == MOST_WAITING + 3


async def test_an_attempt_that_takes_too_long_is_a_failure(
    run: Run,
    clock: "ManualClock",
    new_notice: "NewNotice",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sidecar.notify.sink.LONGEST_ATTEMPT_SECONDS", 0.01)
    monkeypatch.setattr(outbox, "CLOSING_SECONDS", 0.05)
    async with run(HangingSink()) as outboxes:
        outboxes.tell(new_notice())
        while outboxes.warnings() != {"notify s0": "not sent: it did not answer in time"}:
            await clock.advance(0)


async def test_threads_may_tell(run: Run, clock: "ManualClock", new_notice: "NewNotice") -> None:
    sink = PlannedSink()
    async with run(sink) as outboxes:
        thread = Thread(target=outboxes.tell, args=(new_notice(),))
        thread.start()
        await asyncio.to_thread(thread.join)
        await clock.advance(0)
        assert len(sink.sent) == 1


async def test_what_waits_at_the_end_is_sent_at_once_and_what_comes_later_is_dropped(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink([DOWN])
    async with run(sink) as outboxes:
        outboxes.tell(new_notice(thread="first"))
        outboxes.tell(new_notice(thread="second"))
        await clock.advance(0)
        assert sink.sent == []
    # The first one is tried once more without its pause, and so are those behind it.
    assert [each.thread for each in sink.sent] == ["first", "second"]
    outboxes.tell(new_notice())
    stands = outboxes.standings()["s0"]
    assert (stands.sent, stands.dropped, stands.queued) == (2, 1, 0)


async def test_at_the_end_a_sink_that_fails_is_asked_once_more_and_no_longer(
    run: Run, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = PlannedSink(always(DOWN))
    async with run(sink) as outboxes:
        outboxes.tell(new_notice())
        await clock.advance(0)
    assert (sink.attempts, outboxes.standings()["s0"].failed) == (2, 1)


async def test_an_end_that_is_cut_short_leaves_nothing_behind(
    run: Run, new_notice: "NewNotice", until_true: "UntilTrue"
) -> None:
    sink, ran = HangingSink(), asyncio.all_tasks()
    made: list[Outboxes] = []

    async def sidecar() -> None:
        async with run(sink) as outboxes:
            made.append(outboxes)
            outboxes.tell(new_notice())

    ending = asyncio.create_task(sidecar())
    await until_true(lambda: hasattr(sink, "sending"))
    ending.cancel()
    await asyncio.wait({ending})
    assert asyncio.all_tasks() == ran
    assert made[0].standings()["s0"].dropped == 1


async def test_a_trouble_is_logged_when_it_begins_and_when_it_ends(
    run: Run, clock: "ManualClock", new_notice: "NewNotice", caplog: Any
) -> None:
    caplog.set_level("INFO")
    sink = PlannedSink([DOWN, DOWN, DOWN])
    async with run(sink) as outboxes:
        outboxes.tell(new_notice())
        await clock.advance(60)
    told = [each for each in caplog.messages if each.startswith("notify s0")]
    assert told == ["notify s0: not sent: it is down", "notify s0: works again"]


async def test_a_sink_that_loses_notices_says_how_many_since_when_and_why(
    run: Run, clock: "ManualClock", new_notice: "NewNotice", now: datetime, caplog: Any
) -> None:
    sink = PlannedSink(always(DOWN))
    async with run(sink) as outboxes:
        for _ in range(MOST_WAITING + 3):
            outboxes.tell(new_notice())
        await clock.advance(60)
        outboxes.tell(new_notice())
        stands = outboxes.standings()["s0"]
        assert (stands.dropped, stands.last_sent, stands.trouble_since) == (4, None, now)
        assert stands.lost_since == now
        assert stands.lost_because == f"{MOST_WAITING} wait already: it is down"
    assert sum("notices are dropped" in each for each in caplog.messages) == 1


async def test_what_was_lost_stays_known_when_the_sink_works_again(
    run: Run, clock: "ManualClock", new_notice: "NewNotice", now: datetime
) -> None:
    async with run(PlannedSink([REFUSED])) as outboxes:
        outboxes.tell(new_notice())
        await clock.advance(60)
        outboxes.tell(new_notice())
        await clock.advance(0)
        stands = outboxes.standings()["s0"]
    assert (stands.trouble, stands.trouble_since) == (None, None)
    assert stands.last_sent == now + timedelta(seconds=60)
    assert (stands.lost_since, stands.lost_because) == (now, "there is no such topic")


async def test_the_words_of_a_bug_are_in_no_log(
    run: Run, clock: "ManualClock", new_notice: "NewNotice", caplog: Any
) -> None:
    sink = PlannedSink([KeyError("https://hooks.example/canary")])
    async with run(sink) as outboxes:
        outboxes.tell(new_notice())
        await clock.advance(0)
        assert outboxes.standings()["s0"].trouble == "unexpected KeyError; see the log"
    assert "conftest.py" in caplog.text
    assert "canary" not in caplog.text
