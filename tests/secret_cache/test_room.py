"""What is held and what makes room, and what is counted."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.errors import (
    UpstreamUnreachable,
)
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.reply_cache import ReplyCache
from sidecar.secret_cache.secret_kind import SecretKind

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import MakeCache, Upstream, World

TTL, MAX_STALE = 300, 600
AWAY = UpstreamUnreachable("Read Error", code="ConnectionError")


async def test_with_a_time_of_zero_nothing_is_held(
    make_cache: "MakeCache", upstream: "Upstream", clock: "ManualClock", reader: Reader
) -> None:
    cache = make_cache(upstream, clock, Limits(ttl_seconds=0, max_stale_seconds=600, size=2))
    together = [cache.get(reader, SecretQuery("a")) for _ in range(5)]
    assert {each.value.version_id for each in await asyncio.gather(*together)} == {"1"}
    assert (await cache.get(reader, SecretQuery("a"))).value.version_id == "2"
    assert not cache.holds(reader, SecretQuery("a"))
    upstream.failure = AWAY
    with pytest.raises(UpstreamUnreachable):
        await cache.get(reader, SecretQuery("a"))


async def test_a_value_larger_than_all_the_room_is_served_and_not_held(
    make_cache: "MakeCache", upstream: "Upstream", clock: "ManualClock", reader: Reader
) -> None:
    limits = Limits(ttl_seconds=TTL, max_stale_seconds=600, size=2, max_bytes=1000)
    cache = make_cache(upstream, clock, limits)
    answer = await cache.get(reader, SecretQuery("a"))
    assert b"canary-value-1" in answer.agent_body
    assert (cache.statistics().entries, cache.statistics().bytes) == (0, 0)


async def test_bodies_count_into_the_room_once_they_are_written(
    cache: SecretCache, reader: Reader, ask: Any
) -> None:
    answer = await cache.get(reader, SecretQuery("a"))
    empty = cache.statistics().bytes
    bodies = len(answer.agent_body) + len(answer.api_body)
    assert cache.statistics().bytes == empty + bodies
    assert len(answer.agent_body) + len(answer.api_body) == bodies
    assert cache.statistics().bytes == empty + bodies


async def test_what_was_asked_counts_into_the_room(clock: "ManualClock") -> None:
    async def fetch() -> bytes:
        return b"short"

    limits = Limits(ttl_seconds=TTL, max_stale_seconds=600, size=10, max_bytes=100_000)
    replies = ReplyCache(clock, limits)
    for number in range(4):
        await replies.get((number, b"a" * 30_000), fetch)
    told = replies.statistics()
    assert (told.entries, told.evictions) == (3, 1)
    assert 90_000 < told.bytes < 100_000


async def test_the_bodies_of_a_value_that_was_replaced_take_no_room(
    make_cache: "MakeCache", world: "World", clock: "ManualClock", reader: Reader
) -> None:
    cache = make_cache(world, clock)
    world.create("a")
    old = await cache.get(reader, SecretQuery("a"))
    world.secrets["a"].stages["blue"] = old.value.version_id
    await cache.get(reader, SecretQuery("a"), refresh_now=True)
    before = cache.statistics()
    assert b"blue" not in old.agent_body
    assert cache.statistics() == before


async def test_reads_calls_and_failures_are_counted(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock", ask: Any
) -> None:
    for secret_id in ("a", "a", "a", "b", "c"):
        await ask(secret_id)
    clock.jump(TTL)
    upstream.failure = AWAY
    await ask("c")
    told = cache.statistics()
    assert (told.hits, told.misses, told.stale) == (2, 3, 1)
    assert (told.refreshes, told.failures, told.evictions, told.entries) == (3, 1, 1, 2)


def test_what_a_secret_takes_is_counted_in_bytes() -> None:
    text, binary = Secret("käse"), Secret("AAEC")
    size = SecretKind().size
    assert size(SecretValue("arn", "a", "v1", text, None, (), None)) == 5
    assert size(SecretValue("arn", "a", "v1", None, binary, (), None)) == 4
