"""Renewal in the background, and telling those who watch a value."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.errors import UpstreamRefused, UpstreamUnreachable
from sidecar.secret_cache.answer import Answer
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import MakeCache, World

TTL, WARM = 100, 1000
LIMITS: Final = Limits(TTL, max_stale_seconds=600, size=3, keep_warm_seconds=WARM)
NAME: Final = "prod/web"
QUERY: Final = SecretQuery(NAME)


@pytest.fixture
async def cache(
    make_cache: "MakeCache", world: "World", clock: "ManualClock"
) -> AsyncIterator[SecretCache]:
    """Give a cache whose renewal runs."""
    cache = make_cache(world, clock, LIMITS)
    running = asyncio.create_task(cache.run())
    yield cache
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    await cache.close()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def stop(cache: SecretCache, reader: Reader, world: "World", told: list[str]) -> object:
    """Watch the secret, which need not be there; gives what ends it."""
    return cache.watch(reader, QUERY, lambda answer: told.append(answer.value.version_id))


async def test_what_was_read_lately_is_renewed_before_its_time_is_over(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    await cache.get(reader, QUERY)
    await clock.advance(WARM - 1)
    assert len(world.asked) == 1 + WARM // 95
    answer = await cache.get(reader, QUERY)
    assert (answer.state, answer.age_seconds) == ("hit", 999 - 950)


async def test_what_nobody_reads_any_more_is_left_alone(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    await cache.get(reader, QUERY)
    await clock.advance(10 * WARM)
    assert len(world.asked) == 1 + WARM // 95
    assert (await cache.get(reader, QUERY)).state == "miss"
    await clock.advance(TTL)
    assert len(world.asked) == 3 + WARM // 95, "and renewed again after it was read"


async def test_what_was_only_put_is_renewed_for_as_long_as_if_it_had_been_read(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    cache.put(reader, QUERY, world.find(SecretQuery(NAME, version_stage="AWSCURRENT")))
    await clock.advance(96)
    assert len(world.asked) == 1


async def test_after_an_outage_the_value_is_fresh_within_one_back_off(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    await cache.get(reader, QUERY)
    world.failure = UpstreamUnreachable("Read Error")
    await clock.advance(300)
    world.failure = None
    version = world.rotate(NAME)
    await clock.advance(30)
    answer = await cache.get(reader, QUERY)
    assert (answer.state, answer.value.version_id) == ("hit", version)


async def test_a_watched_value_is_told_at_once_and_on_each_change_only(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", told: list[str]
) -> None:
    world.create(NAME)
    first = (await cache.get(reader, QUERY)).value.version_id
    cache.watch(reader, QUERY, lambda answer: told.append(answer.value.version_id))
    assert told == [first]
    await clock.advance(5 * TTL)
    assert told == [first]
    second = world.rotate(NAME)
    await clock.advance(TTL)
    assert told == [first, second]


@pytest.mark.usefixtures("stop")
async def test_a_watched_value_is_read_until_it_is_there_and_kept_warm_for_ever(
    world: "World", clock: "ManualClock", told: list[str]
) -> None:
    await clock.advance(60)
    assert told == []
    asked = len(world.asked)
    assert 4 < asked < 12, "with pauses that grow"
    world.create(NAME)
    await clock.advance(31)
    assert len(told) == 1
    await clock.advance(5 * WARM)
    assert len(world.asked) >= asked + 5 * WARM // 95


@pytest.mark.usefixtures("stop")
async def test_a_watched_secret_that_is_made_anew_is_told(
    cache: SecretCache, world: "World", clock: "ManualClock", told: list[str]
) -> None:
    world.create(NAME)
    await clock.advance(1)
    del world.secrets[NAME]
    await clock.advance(TTL)
    world.create(NAME)
    await clock.advance(TTL)
    assert len(told) == 2


@pytest.mark.usefixtures("stop")
async def test_a_watched_secret_that_was_deleted_is_not_hidden(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    await clock.advance(1)
    del world.secrets[NAME]
    await clock.advance(TTL)
    assert not cache.holds(reader, QUERY)
    with pytest.raises(UpstreamRefused):
        await cache.get(reader, QUERY)


async def test_after_an_event_a_watched_value_is_told_without_a_read(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", told: list[str]
) -> None:
    arn = world.create(NAME)
    cache.watch(reader, QUERY, lambda answer: told.append(answer.value.version_id))
    await clock.advance(0)
    version = world.rotate(NAME)
    cache.invalidate(arn)
    await clock.advance(0)
    assert told[-1] == version


async def test_who_stops_watching_is_told_nothing_more(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", told: list[str]
) -> None:
    world.create(NAME)
    stop = cache.watch(reader, QUERY, lambda answer: told.append(answer.value.version_id))
    await clock.advance(1)
    stop()
    stop()
    world.rotate(NAME)
    await clock.advance(TTL)
    assert len(told) == 1
    await clock.advance(2 * WARM)
    asked = len(world.asked)
    await clock.advance(2 * WARM)
    assert len(world.asked) == asked


async def test_a_listener_s_bug_is_logged_and_nobody_else_s(
    cache: SecretCache,
    world: "World",
    reader: Reader,
    clock: "ManualClock",
    told: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: Answer[SecretValue]) -> None:
        raise RuntimeError("a bug")

    world.create(NAME)
    cache.watch(reader, QUERY, broken)
    cache.watch(reader, QUERY, lambda answer: told.append(answer.value.version_id))
    await clock.advance(1)
    assert len(told) == 1
    assert "a listener to a change failed" in caplog.messages


async def test_a_watched_value_that_had_to_make_room_comes_back_when_it_is_due(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", told: list[str]
) -> None:
    world.create(NAME)
    cache.watch(reader, QUERY, lambda answer: told.append(answer.value.version_id))
    await clock.advance(1)
    for name in "abc":
        world.create(name)
        await cache.get(reader, SecretQuery(name))
    assert not cache.holds(reader, QUERY)
    version = world.rotate(NAME)
    await clock.advance(TTL)
    assert told[-1] == version


async def test_with_a_time_of_zero_what_is_watched_is_asked_for_each_minute(
    make_cache: "MakeCache",
    world: "World",
    reader: Reader,
    clock: "ManualClock",
    told: list[str],
) -> None:
    cache = make_cache(world, clock, Limits(ttl_seconds=0, max_stale_seconds=0, size=3))
    running = asyncio.create_task(cache.run())
    world.create(NAME)
    cache.watch(reader, QUERY, lambda answer: told.append(answer.value.version_id))
    await clock.advance(130)
    world.rotate(NAME)
    await clock.advance(60)
    assert (len(world.asked), len(told)) == (4, 2)
    running.cancel()
    await asyncio.wait([running])


async def test_what_begins_together_does_not_stay_together(
    world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    jitters = iter([0.0, 0.9])
    cache = SecretCache(world.fetch, clock, LIMITS, lambda: next(jitters, 0.5))
    running = asyncio.create_task(cache.run())
    for name in "ab":
        world.create(name)
        await cache.get(reader, SecretQuery(name))
    await clock.advance(90)
    assert [each.secret_id for each in world.asked] == ["a", "b", "a"]
    running.cancel()
    await asyncio.wait([running])


async def test_one_value_is_renewed_by_one_call_whatever_leads_to_it(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    version = (await cache.get(reader, QUERY)).value.version_id
    queries = (QUERY, SecretQuery(NAME, version), SecretQuery(NAME, version, "AWSCURRENT"))
    for query in queries:
        await cache.get(reader, query)
    await clock.advance(951)
    assert (cache.statistics().entries, len(world.asked)) == (1, 1 + 10)
    for query in queries[:2]:
        await cache.get(reader, query)
    new = world.rotate(NAME)
    await clock.advance(96)
    answers = [await cache.get(reader, query) for query in queries[:2]]
    assert [(each.state, each.value.version_id) for each in answers] == [
        ("hit", new),
        ("hit", version),
    ]


async def test_while_one_call_hangs_no_read_of_its_value_waits(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    version = (await cache.get(reader, QUERY)).value.version_id
    queries = (QUERY, SecretQuery(NAME, version))
    await cache.get(reader, queries[1])

    async def hang() -> None:
        world.asked.append(QUERY)
        await clock.sleep(8)
        raise UpstreamUnreachable("Read Error")

    world.outage = hang
    asked = len(world.asked)
    await clock.advance(94)
    for _ in range(120):
        await clock.advance(1)
        for query in queries:
            reading = asyncio.create_task(cache.get(reader, query))
            await asyncio.sleep(0)
            assert reading.done()
    assert len(world.asked) - asked <= 120 // 8
