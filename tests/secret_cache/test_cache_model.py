"""No history of reads, changes, outages and passing time makes the cache serve what it must not.

The model keeps every state that the world has been in. An answer with an age must have been AWS's
answer to that very question at some moment within that age, a fresh one within the TTL, none before
an invalidation, and one that was insisted on at no moment before that. Once AWS has denied
something, nothing that it gave before is served for it under any id.
"""

import asyncio
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.secret_cache.answer import Answer
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import World

TTL, MAX_STALE, NEGATIVE, FAILED = 100.0, 400.0, 3.0, 1.0
LIMITS: Final = Limits(TTL, MAX_STALE, size=4, keep_warm_seconds=150)
READERS: Final = (Reader("default", "eu-central-1"), Reader("other", "eu-central-1"))
NAMES: Final = ("a", "b")
SELECTORS: Final = ((None, None), (None, None), (None, "AWSCURRENT"), (None, "AWSPREVIOUS"))
# Two things that happen never happen at the same moment, so that before and after are clear.
MOMENT: Final = 0.001

FAILURES: Final = {
    "up": None,
    "away": UpstreamUnavailable("away"),
    "denying": UpstreamRefused("denied", status=400, code="AccessDeniedException"),
}


@dataclass
class Call:
    """One call to AWS: by whom, for what, from when to when."""

    reader: Reader
    query: SecretQuery
    began: float
    ended: float | None = None


class Model:
    """The world's past and the calls to it, and what an answer may be because of them."""

    def __init__(self, world: "World", clock: "ManualClock") -> None:
        self.world, self.clock = world, clock
        self.calls: list[Call] = []
        self.changed_at = dict.fromkeys(NAMES, 0.0)
        self.denied: list[Call] = []
        self.invalidated_at = 0.0
        self._past: list[tuple[float, World]] = []
        self.note()

    def note(self) -> None:
        """Remember how the world is from now on."""
        past = type(self.world)(copy.deepcopy(self.world.secrets), failure=self.world.failure)
        self._past.append((self.clock.elapsed(), past))

    async def fetch(self, reader: Reader, query: SecretQuery) -> SecretValue:
        call = Call(reader, query, self.clock.elapsed())
        self.calls.append(call)
        same = [each for each in self.calls if each.ended is None and each.query == query]
        same = [each for each in same if each.reader == reader]
        assert len(same) <= 2, "one call at a time, and one that is outdated"
        try:
            return await self.world.fetch(reader, query)
        except UpstreamRefused as exc:
            if exc is FAILURES["denying"] and self.invalidated_at < call.began:
                self.denied.append(call)
            raise
        finally:
            call.ended = self.clock.elapsed()

    def check(self, query: SecretQuery, answer: Answer[SecretValue], *, since: float) -> None:
        """See that AWS gave this answer to the question within its age and since a moment."""
        now, value = self.clock.elapsed(), answer.value
        earliest = now - answer.age_seconds - 1
        if answer.state == "stale":
            assert answer.age_seconds < TTL + MAX_STALE
        else:
            earliest = max(earliest, since)
        if answer.state == "hit":
            assert answer.age_seconds < TTL
        given = [self._given(past, query) for past in self._states(earliest)]
        assert (value.arn, value.version_id) in given, (query, answer, given)

    def check_denied(
        self, reader: Reader, query: SecretQuery, answer: Answer[SecretValue], arrived: float
    ) -> None:
        """See that nothing is served that AWS had given before it denied the same."""
        asked_by = self.clock.elapsed() - answer.age_seconds
        ids = (query.secret_id, answer.value.arn, answer.value.arn[:-7])
        for call in self.denied:
            ended = call.ended is not None and call.ended < arrived
            same = call.reader == reader and _selector(call.query) == _selector(query)
            if ended and same and call.query.secret_id in ids:
                assert asked_by >= call.began, (query, answer, call)

    def check_refusal(self, query: SecretQuery, arrived: float) -> None:
        """See that AWS refused this, a few seconds ago at most."""
        lately = [each for each in self.calls if (each.ended or arrived) >= arrived - NEGATIVE]
        earliest = min(each.began for each in lately)
        given = [self._given(past, query) for past in self._states(earliest)]
        denied = any(past.failure is FAILURES["denying"] for past in self._states(earliest))
        assert denied or None in given

    def check_outage(self, arrived: float) -> None:
        """See that AWS was away since a read began, or a moment before."""
        assert any(past.failure is FAILURES["away"] for past in self._states(arrived - FAILED))

    def _states(self, earliest: float) -> "Iterator[World]":
        """Give every state of the world at that moment and later."""
        for number, (_, past) in enumerate(self._past):
            later = self._past[number + 1 :]
            if not later or later[0][0] > earliest:
                yield past

    def _given(self, past: "World", query: SecretQuery) -> tuple[str, str] | None:
        try:
            value = past.find(SecretQuery(query.secret_id, *_selector(query)))
        except UpstreamRefused:
            return None
        return value.arn, value.version_id


def _selector(query: SecretQuery) -> tuple[str | None, str | None]:
    if query.version_id:
        return query.version_id, None
    return None, query.version_stage or "AWSCURRENT"


class Histories(RuleBasedStateMachine):
    """What may happen, in any order."""

    make_world: "Callable[[], World]"
    make_clock: "Callable[[], ManualClock]"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world, self.clock = type(self).make_world(), type(self).make_clock()
        self.ids: dict[str, list[str]] = {}
        for name in NAMES:
            self._create(name)
        self.model = Model(self.world, self.clock)
        self.cache = SecretCache(self.model.fetch, self.clock, LIMITS, jitter=lambda: 0.5)
        self.told: list[SecretValue] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.runner.run(self._start())

    async def _start(self) -> None:
        self.running = asyncio.create_task(self.cache.run())
        self.cache.watch(READERS[0], SecretQuery("a"), lambda each: self.told.append(each.value))

    def _create(self, name: str) -> None:
        arn = self.world.create(name)
        self.ids[name] = [name, arn, arn[:-7], *self.ids.get(name, ())[1:]]

    def _aws_is(self, failure: str) -> None:
        self.world.failure = FAILURES[failure]
        self.model.note()
        self._pass()

    def _pass(self, seconds: float = MOMENT) -> None:
        self.runner.run(self.clock.advance(seconds))

    @rule(form=st.integers(0, 2), selector=st.sampled_from(SELECTORS))
    def everybody_reads(self, form: int, selector: tuple[str | None, str | None]) -> None:
        for reader in READERS:
            for name in NAMES:
                self._read(reader, name, SecretQuery(self.ids[name][form], *selector))

    @rule(reader=st.sampled_from(READERS), name=st.sampled_from(NAMES))
    def somebody_reads(self, reader: Reader, name: str) -> None:
        self._read(reader, name, SecretQuery(name))

    @rule()
    def nobody_reads_for_so_long_that_a_value_is_stale(self) -> None:
        self.clock.jump(TTL)
        self._pass()

    @rule(name=st.sampled_from(NAMES), form=st.integers(0, 6), number=st.integers(0, 5))
    def somebody_reads_a_version(self, name: str, form: int, number: int) -> None:
        versions = sorted(self.world.secrets[name].versions) if self._exists(name) else ["v0"]
        query = SecretQuery(self._id(name, form), versions[number % len(versions)])
        self._read(READERS[0], name, query)

    @rule(name=st.sampled_from(NAMES), form=st.integers(0, 6))
    def somebody_insists(self, name: str, form: int) -> None:
        self._read(READERS[0], name, SecretQuery(self._id(name, form)), refresh_now=True)

    @rule(seconds=st.sampled_from([0.3, 1.0, 3.0, 30.0, 94.0, 99.0, 100.0, 155.0, 400.0, 501.0]))
    def time_passes(self, seconds: float) -> None:
        self._pass(seconds)

    @rule(seconds=st.sampled_from([94.0, 100.0, 400.0, 501.0]))
    def machine_sleeps(self, seconds: float) -> None:
        self.clock.jump(seconds)
        self._pass()

    @rule(how=st.sampled_from(["rotate", "swap", "delete", "create"]), name=st.sampled_from(NAMES))
    def world_changes(self, how: str, name: str) -> None:
        if how == "delete":
            self.world.secrets.pop(name, None)
        elif how == "create" or not self._exists(name):
            self._create(name)
        else:
            getattr(self.world, how)(name)
        self.model.note()
        self._pass()

    @rule(failure=st.sampled_from(sorted(FAILURES)))
    def aws_changes(self, failure: str) -> None:
        self._aws_is(failure)

    @rule(name=st.sampled_from(NAMES), form=st.integers(0, 2))
    def what_is_denied_is_read_again_while_aws_is_away(self, name: str, form: int) -> None:
        self.clock.jump(LIMITS.keep_warm_seconds)
        self._pass()
        self._read(READERS[0], name, SecretQuery(name))
        self._aws_is("denying")
        self._read(READERS[0], name, SecretQuery(name), refresh_now=True)
        self._aws_is("away")
        self._read(READERS[0], name, SecretQuery(self.ids[name][form]))
        self._aws_is("up")

    @rule()
    def aws_hangs(self) -> None:
        self.world.gate = self.world.gate or asyncio.Event()
        self._pass()

    @rule()
    def aws_answers(self) -> None:
        if self.world.gate is not None:
            self.world.gate.set()
            self.world.gate = None
        self._pass()

    @rule(name=st.sampled_from(NAMES), form=st.integers(0, 6), wait=st.booleans())
    def somebody_invalidates(self, name: str, form: int, *, wait: bool) -> None:
        self.runner.run(self._invalidate(self._id(name, form), wait=wait))
        self.model.changed_at[name] = self.clock.elapsed()
        self._pass()

    @invariant()
    def nothing_went_wrong(self) -> None:
        for task in [each for each in self.tasks if each.done()]:
            self.tasks.discard(task)
            task.result()
        told = self.cache.statistics()
        assert told.entries <= LIMITS.size
        assert not self.running.done()

    def teardown(self) -> None:
        self.runner.run(self._end())
        self.runner.close()

    async def _end(self) -> None:
        self.running.cancel()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(self.running, *self.tasks, return_exceptions=True)
        await self.cache.close()

    async def _invalidate(self, secret_id: str, *, wait: bool) -> None:
        self.model.invalidated_at = self.clock.elapsed()
        self.cache.invalidate(secret_id, wait=wait)

    def _read(
        self, reader: Reader, name: str, query: SecretQuery, *, refresh_now: bool = False
    ) -> None:
        async def begin() -> None:
            work = self._checked_read(reader, name, query, refresh_now=refresh_now)
            self.tasks.add(asyncio.create_task(work))

        self.runner.run(begin())
        self._pass()

    async def _checked_read(
        self, reader: Reader, name: str, query: SecretQuery, *, refresh_now: bool
    ) -> None:
        arrived, changed_at = self.clock.elapsed(), self.model.changed_at[name]
        held = self.cache.holds(reader, query)
        try:
            answer = await self.cache.get(reader, query, refresh_now=refresh_now)
        except UpstreamRefused:
            self.model.check_refusal(query, arrived)
            return
        except SidecarError:
            assert not held or self.clock.elapsed() > arrived, "a warm read failed at once"
            self.model.check_outage(arrived)
            return
        insisted = refresh_now and answer.state == "miss"
        self.model.check(query, answer, since=arrived if insisted else changed_at)
        self.model.check_denied(reader, query, answer, arrived)

    def _id(self, name: str, form: int) -> str:
        """Give one of the ids that the secret has, or had before it was deleted."""
        return self.ids[name][form % len(self.ids[name])]

    def _exists(self, name: str) -> bool:
        return name in self.world.secrets


def test_no_history_makes_the_cache_serve_what_it_must_not(
    make_world: "Callable[[], World]", make_clock: "Callable[[], ManualClock]"
) -> None:
    class Played(Histories):
        pass

    Played.make_world, Played.make_clock = staticmethod(make_world), staticmethod(make_clock)
    run_state_machine_as_test(
        Played, settings=settings(max_examples=200, stateful_step_count=40, deadline=None)
    )
