"""The cache on a clock moved by hand: what it serves, how long, and when it asks AWS."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from sidecar.aws.secret import SecretQuery
from sidecar.clock import Clock
from sidecar.errors import (
    NotReady,
    SidecarError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from sidecar.secret_cache.cache import Entry, SecretCache
from sidecar.secret_cache.request import SecretRequest

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import Upstream

TTL, MAX_STALE, PAUSE = 300, 600, 5

PASSING = [
    UpstreamUnavailable("Rate exceeded", status=400, code="ThrottlingException"),
    UpstreamTimeout("Timeout", code="TimeoutError"),
    UpstreamUnreachable("Read Error", code="ConnectionError"),
    NotReady("no session for role default yet"),
]
REFUSED = UpstreamRefused("no", status=400, code="ResourceNotFoundException")


@pytest.fixture
def cache(
    make_cache: Callable[["Upstream", Clock], SecretCache],
    upstream: "Upstream",
    clock: "ManualClock",
) -> SecretCache:
    return make_cache(upstream, clock)


def _request(secret_id: str = "a", *, refresh_now: bool = False) -> SecretRequest:
    return SecretRequest(SecretQuery(secret_id), refresh_now)


def _number(entry: Entry) -> int:
    """Tell which of AWS's answers this is."""
    return int(json.loads(entry.body)["VersionId"])


async def _get(cache: SecretCache, secret_id: str = "a", *, refresh_now: bool = False) -> int:
    return _number(await cache.get(_request(secret_id, refresh_now=refresh_now)))


async def test_the_first_request_asks_aws_and_gets_the_whole_body(cache: SecretCache) -> None:
    entry = await cache.get(_request("prod/web"))
    assert (entry.name, json.loads(entry.body)["SecretString"]) == ("prod/web", "canary-value-1")


async def test_a_fresh_value_is_given_without_awaiting_anything(cache: SecretCache) -> None:
    held = await cache.get(_request())
    with pytest.raises(StopIteration) as ended:
        cache.get(_request()).send(None)
    assert ended.value.value is held


async def test_a_value_is_fresh_for_its_time_and_not_longer(
    cache: SecretCache, clock: "ManualClock"
) -> None:
    await _get(cache)
    clock.jump(TTL - 1)
    assert await _get(cache) == 1
    clock.jump(1)
    assert await _get(cache) == 2


async def test_a_request_may_insist_on_asking_aws(cache: SecretCache) -> None:
    assert [await _get(cache), await _get(cache, refresh_now=True), await _get(cache)] == [1, 2, 2]


async def test_any_number_of_first_requests_ask_aws_once(
    cache: SecretCache, upstream: "Upstream"
) -> None:
    upstream.gate.clear()
    callers = [asyncio.create_task(_get(cache)) for _ in range(500)]
    await asyncio.sleep(0)
    upstream.gate.set()
    assert await asyncio.gather(*callers) == [1] * 500
    assert len(upstream.asked) == 1


async def test_any_number_of_requests_that_insist_share_one_call(
    cache: SecretCache, upstream: "Upstream"
) -> None:
    await asyncio.gather(*[_get(cache, refresh_now=True) for _ in range(100)])
    assert len(upstream.asked) == 1


async def test_no_stage_and_awscurrent_are_one_question(
    cache: SecretCache, upstream: "Upstream"
) -> None:
    await cache.get(_request())
    await cache.get(SecretRequest(SecretQuery("a", version_stage="AWSCURRENT")))
    assert upstream.asked == [SecretQuery("a", version_stage="AWSCURRENT")]


@pytest.mark.parametrize(
    "query",
    [
        SecretQuery("A", version_stage="AWSCURRENT"),
        SecretQuery("a", version_stage="AWSPREVIOUS"),
        SecretQuery("a", version_stage=""),
        SecretQuery("a", version_id="v"),
        SecretQuery("a", version_id=""),
        SecretQuery("a", version_id="v", version_stage="AWSCURRENT"),
    ],
    ids=repr,
)
async def test_every_other_version_is_a_question_of_its_own(
    cache: SecretCache, upstream: "Upstream", query: SecretQuery
) -> None:
    await cache.get(_request())
    await cache.get(SecretRequest(query))
    assert upstream.asked[1:] == [query]


@pytest.mark.parametrize("failure", PASSING, ids=lambda each: type(each).__name__)
async def test_the_held_value_is_served_while_aws_cannot_be_asked_and_not_too_long(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock", failure: SidecarError
) -> None:
    await _get(cache)
    upstream.failure = failure
    clock.jump(TTL)
    assert await _get(cache) == 1
    clock.jump(MAX_STALE - 1)
    assert await _get(cache) == 1
    clock.jump(1)
    with pytest.raises(type(failure)) as caught:
        await _get(cache)
    assert caught.value is failure


async def test_a_value_that_became_too_old_is_gone_for_good(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    upstream.failure = PASSING[0]
    clock.jump(TTL + MAX_STALE)
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            await _get(cache)
        clock.jump(-MAX_STALE)


async def test_after_a_failure_the_held_value_is_served_for_a_while_without_asking(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    clock.jump(TTL)
    upstream.failure = PASSING[0]
    await _get(cache)
    clock.jump(PAUSE - 1)
    assert (await _get(cache), len(upstream.asked)) == (1, 2)
    clock.jump(1)
    assert (await _get(cache), len(upstream.asked)) == (1, 3)


async def test_a_recovered_aws_is_asked_after_the_pause(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    clock.jump(TTL)
    upstream.failure = PASSING[0]
    await _get(cache)
    upstream.failure = None
    clock.jump(PAUSE)
    assert await _get(cache) == 3


async def test_a_fresh_value_that_could_not_be_refreshed_stays_as_fresh_as_it_was(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    upstream.failure = PASSING[0]
    assert await _get(cache, refresh_now=True) == 1
    clock.jump(TTL - 1)
    assert (await _get(cache), len(upstream.asked)) == (1, 2)


async def test_without_a_held_value_a_failure_reaches_the_caller(
    cache: SecretCache, upstream: "Upstream"
) -> None:
    upstream.failure = PASSING[0]
    with pytest.raises(UpstreamUnavailable, match=r"^Rate exceeded$"):
        await _get(cache)


async def test_a_secret_that_aws_refuses_is_forgotten(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    upstream.failure = REFUSED
    with pytest.raises(UpstreamRefused):
        await _get(cache, refresh_now=True)
    upstream.failure = PASSING[0]
    with pytest.raises(UpstreamUnavailable):
        await _get(cache)


async def test_the_value_unused_for_longest_makes_room(
    cache: SecretCache, upstream: "Upstream"
) -> None:
    for secret_id in ("a", "b", "a", "c", "a"):
        await _get(cache, secret_id)
    assert [each.secret_id for each in upstream.asked] == ["a", "b", "c"]
    await _get(cache, "b")
    assert upstream.asked[-1].secret_id == "b"


async def test_a_failure_names_the_secret_and_not_its_value(
    cache: SecretCache,
    upstream: "Upstream",
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await cache.get(_request())
    upstream.failure = PASSING[0]
    clock.jump(TTL)
    await _get(cache)
    assert [each.getMessage() for each in caplog.records] == [
        "secret a: serving the held value: Rate exceeded"
    ]
    assert "canary" not in caplog.text + repr(entry)


async def test_prefetch_holds_the_secret(cache: SecretCache, upstream: "Upstream") -> None:
    await cache.prefetch("a")
    assert (await _get(cache), len(upstream.asked)) == (1, 1)


async def test_prefetch_asks_until_aws_gives_the_secret(
    cache: SecretCache,
    upstream: "Upstream",
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    upstream.failure = REFUSED
    prefetch = asyncio.create_task(cache.prefetch("a"))
    await clock.advance(1 + 2 + 4)
    assert (len(upstream.asked), prefetch.done()) == (4, False)
    upstream.failure = None
    await clock.advance(8)
    assert prefetch.done()
    assert caplog.messages[-1] == "prefetch of secret a failed: no; next attempt in 8 s"


async def test_prefetch_never_waits_longer_than_a_minute(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    upstream.failure = REFUSED
    prefetch = asyncio.create_task(cache.prefetch("a"))
    await clock.advance(63)
    asked = len(upstream.asked)
    await clock.advance(120)
    assert len(upstream.asked) == asked + 2
    prefetch.cancel()


async def test_closing_ends_what_is_under_way_and_forgets_every_value(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    upstream.gate.clear()
    waiting = asyncio.create_task(_get(cache, "b"))
    await clock.advance(0)
    await cache.close()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    upstream.gate.set()
    assert await _get(cache) == 3


async def test_nobody_waits_long_for_aws_while_a_value_is_held(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    clock.jump(TTL)
    upstream.gate.clear()
    first = asyncio.create_task(_get(cache))
    await clock.advance(0.4)
    assert not first.done()
    await clock.advance(0.1)
    assert await first == 1
    assert await _get(cache) == 1, "the next caller does not even wait that long"
    upstream.gate.set()
    await clock.advance(0)
    assert await _get(cache) == 2, "the answer that came late is taken"


async def test_a_value_too_old_to_stand_in_is_waited_for(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    clock.jump(TTL + MAX_STALE)
    upstream.gate.clear()
    asking = asyncio.create_task(_get(cache))
    await clock.advance(60)
    assert not asking.done()
    upstream.gate.set()
    assert await asking == 2


async def test_a_refresh_that_was_asked_for_is_waited_for(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    await _get(cache)
    upstream.gate.clear()
    asking = asyncio.create_task(_get(cache, refresh_now=True))
    await clock.advance(60)
    assert not asking.done()
    upstream.gate.set()
    assert await asking == 2


@pytest.mark.parametrize("turns", range(6))
async def test_an_answer_that_comes_as_patience_ends_is_not_overwritten(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock", turns: int
) -> None:
    await _get(cache)
    clock.jump(TTL)
    upstream.gate.clear()
    asking = asyncio.create_task(_get(cache))
    await clock.advance(0.4)
    upstream.gate.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    await clock.advance(0.2)
    assert await asking in (1, 2)
    assert await _get(cache) == 2, "what is held is what came last"


@pytest.mark.parametrize("turns", range(6))
async def test_a_secret_denied_as_patience_ends_does_not_come_back(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock", turns: int
) -> None:
    await _get(cache)
    clock.jump(TTL)
    upstream.gate.clear()
    upstream.failure = REFUSED
    asking = asyncio.create_task(_get(cache))
    await clock.advance(0.4)
    upstream.gate.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    await clock.advance(0.2)
    await asyncio.gather(asking, return_exceptions=True)
    with pytest.raises(UpstreamRefused):
        await _get(cache)


async def test_a_wall_clock_set_back_makes_no_value_young(
    cache: SecretCache, clock: "ManualClock"
) -> None:
    await _get(cache)
    clock.set_wall(-24 * 3600)
    await clock.advance(TTL)
    assert await _get(cache) == 2


async def test_a_prefetch_tells_every_failure_and_survives_a_bug(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock"
) -> None:
    told: list[str] = []
    upstream.failure = RuntimeError("canary")  # type: ignore[assignment] # no error of ours
    task = asyncio.create_task(cache.prefetch("a", lambda exc: told.append(exc.message)))
    await clock.advance(0.5)
    upstream.failure = REFUSED
    await clock.advance(1)
    upstream.failure = None
    await clock.advance(2)
    assert task.done()
    assert told == ["unexpected RuntimeError; see the log", "no"]
