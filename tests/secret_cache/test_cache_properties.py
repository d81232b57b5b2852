"""What holds of the cache after any history of requests, failures and passing time."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.aws.secret import SecretQuery
from sidecar.clock import Clock
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.request import SecretRequest

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import Upstream

TTL, MAX_STALE, PAUSE = 300, 600, 5

FAILURES = {
    "up": None,
    "away": UpstreamUnavailable("away"),
    "refusing": UpstreamRefused("refusing"),
}


@dataclass(frozen=True)
class Step:
    """One moment of a history: how much later it is, how AWS is, and what is asked for."""

    seconds: int
    aws: str
    secret_id: str
    refresh_now: bool


STEPS = st.builds(
    Step,
    seconds=st.sampled_from([0, 1, PAUSE, TTL - 1, TTL, MAX_STALE, TTL + MAX_STALE]),
    aws=st.sampled_from(sorted(FAILURES)),
    secret_id=st.sampled_from("abc"),
    refresh_now=st.booleans(),
)


class History:
    """Plays steps and checks each answer against what AWS has said so far."""

    def __init__(self, cache: SecretCache, upstream: "Upstream", clock: "ManualClock") -> None:
        self._cache, self._upstream, self._clock = cache, upstream, clock
        self._fetched_at: dict[int, datetime] = {}
        self._refused: dict[str, int] = {}
        self._asked_in_vain: dict[str, datetime] = {}

    async def play(self, step: Step) -> None:
        self._clock.jump(step.seconds)
        self._upstream.failure = FAILURES[step.aws]
        asked = len(self._upstream.asked)
        try:
            entry = await self._cache.get(
                SecretRequest(SecretQuery(step.secret_id), step.refresh_now)
            )
        except SidecarError as exc:
            self._check_failure(step, exc, asked=len(self._upstream.asked) > asked)
            return
        assert entry.name == step.secret_id
        self._check_answer(step, int(json.loads(entry.body)["VersionId"]), asked)

    def _check_answer(self, step: Step, number: int, asked_before: int) -> None:
        now, asked = self._clock.now(), len(self._upstream.asked)
        assert asked > asked_before or not step.refresh_now
        if asked > asked_before and step.aws == "up":
            assert number == asked, "what AWS gives is what is served"
            self._fetched_at[number] = now
            return
        if asked > asked_before:
            assert step.aws == "away", "what AWS refuses is not served"
            self._asked_in_vain[step.secret_id] = now
        age = (now - self._fetched_at[number]).total_seconds()
        assert age < TTL + MAX_STALE
        assert number > self._refused.get(step.secret_id, 0)
        in_vain = self._asked_in_vain.get(step.secret_id)
        assert age < TTL or (in_vain and (now - in_vain).total_seconds() < PAUSE)

    def _check_failure(self, step: Step, exc: SidecarError, *, asked: bool) -> None:
        assert asked, "only AWS can say no"
        assert exc is FAILURES[step.aws]
        self._refused[step.secret_id] = len(self._upstream.asked)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=12))
def test_no_history_makes_the_cache_serve_what_it_must_not(
    make_cache: Callable[["Upstream", Clock], SecretCache],
    make_upstream: Callable[[], "Upstream"],
    make_clock: Callable[[], "ManualClock"],
    steps: Sequence[Step],
) -> None:
    async def play() -> None:
        upstream, clock = make_upstream(), make_clock()
        history = History(make_cache(upstream, clock), upstream, clock)
        for step in steps:
            await history.play(step)

    asyncio.run(play())
