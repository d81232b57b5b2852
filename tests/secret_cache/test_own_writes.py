"""What a write through this process makes of what is held: done, or perhaps done."""

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery
from sidecar.errors import UpstreamUnreachable
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.reply_cache import ReplyCache

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import MakeCache, World

LIMITS: Final = Limits(ttl_seconds=300, max_stale_seconds=600, size=20, keep_warm_seconds=1000)
NAME: Final = "prod/web"
QUERY: Final = SecretQuery(NAME)


@pytest.fixture
async def cache(
    make_cache: "MakeCache", world: "World", clock: "ManualClock", reader: Reader
) -> SecretCache:
    """Give a cache that holds one secret."""
    cache = make_cache(world, clock, LIMITS)
    world.create(NAME)
    await cache.get(reader, QUERY)
    return cache


@pytest.mark.parametrize("certain", [True, False])
async def test_only_for_what_is_done_a_read_waits_however_long(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", *, certain: bool
) -> None:
    version = world.rotate(NAME)
    world.gate = asyncio.Event()
    cache.written(["other", NAME], reader.region, certain=certain)
    reading = asyncio.create_task(cache.get(reader, QUERY))
    await clock.advance(20)
    assert reading.done() is not certain
    world.gate.set()
    assert ((await reading).value.version_id == version) is certain
    await clock.advance(0)
    assert (await cache.get(reader, QUERY)).value.version_id == version


@pytest.mark.parametrize("certain", [True, False])
async def test_what_was_read_in_another_region_stays(
    cache: SecretCache, world: "World", reader: Reader, *, certain: bool
) -> None:
    cache.written([NAME], "us-east-1", certain=certain)
    assert (await cache.get(reader, QUERY)).state == "hit"
    cache.written([NAME], reader.region, certain=certain)
    assert (await cache.get(reader, QUERY)).state == "miss"


@pytest.mark.parametrize(("certain", "calls"), [(True, 1), (False, 0)])
async def test_what_is_perhaps_done_cuts_no_back_off_short(
    cache: SecretCache,
    world: "World",
    reader: Reader,
    clock: "ManualClock",
    *,
    certain: bool,
    calls: int,
) -> None:
    world.failure = UpstreamUnreachable("Read Error")
    for _ in range(5):  # the last pause is longer than a second
        clock.jump(LIMITS.ttl_seconds / 2)
        await cache.get(reader, QUERY)
    await clock.advance(0)
    before = len(world.asked)
    cache.written([NAME], reader.region, certain=certain)
    for _ in range(3):
        assert (await cache.get(reader, QUERY)).state == "stale"
    await clock.advance(0)
    assert len(world.asked) == before + calls


async def test_what_is_perhaps_done_is_asked_for_though_nobody_reads(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    renewing = asyncio.create_task(cache.run())
    await clock.advance(0)
    cache.written([NAME], reader.region, certain=False)
    await clock.advance(0)
    assert len(world.asked) == 2
    renewing.cancel()


async def test_a_reply_in_doubt_is_read_anew_and_serves_until_then(clock: "ManualClock") -> None:
    replies = ReplyCache(clock, LIMITS)
    outcomes: list[bytes | UpstreamUnreachable] = [b"1", UpstreamUnreachable("Read Error"), b"2"]

    async def fetch() -> bytes:
        outcome = outcomes.pop(0)
        if isinstance(outcome, bytes):
            return outcome
        raise outcome

    assert (await replies.get("a", fetch)).value == b"1"
    replies.doubt(lambda key: key == "b")
    assert (await replies.get("a", fetch)).state == "hit"
    replies.doubt(lambda key: key == "a")
    held = await replies.get("a", fetch)
    assert (held.value, held.state) == (b"1", "stale")
    clock.jump(60)
    await replies.get("a", fetch)
    await clock.advance(0)
    assert (await replies.get("a", fetch)).value == b"2"
