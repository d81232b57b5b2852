"""How often AWS is asked, counted: a herd, ten minutes of reads, an outage of five minutes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery
from sidecar.errors import (
    NotReady,
    SidecarError,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import World

TTL: Final = 60
LIMITS: Final = Limits(ttl_seconds=TTL, max_stale_seconds=86400, size=1000)
NAMES: Final = tuple(f"prod/{number}" for number in range(50))
TICK: Final = 0.5
READS_A_TICK: Final = 1000
READ_TIMEOUT: Final = 5.0


@pytest.fixture
async def cache(world: "World", clock: "ManualClock") -> AsyncIterator[SecretCache]:
    """Give a cache that renews, with real jitter, in a world of fifty secrets."""
    cache = SecretCache(world.fetch, clock, LIMITS)
    running = asyncio.create_task(cache.run())
    for name in NAMES:
        world.create(name)
    yield cache
    running.cancel()
    await asyncio.wait([running])
    await cache.close()


@pytest.fixture
def read(cache: SecretCache, reader: Reader) -> Callable[[str], Any]:
    """Give a function that reads without letting the event loop run: a read that waits fails."""
    queries = {name: SecretQuery(name) for name in NAMES}

    def reading(name: str) -> Any:
        try:
            cache.get(reader, queries[name]).send(None)
        except StopIteration as ended:
            return ended.value
        raise AssertionError("a read of a warm secret waited")

    return reading


async def test_a_herd_of_cold_clients_is_one_call(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    world.gate = asyncio.Event()
    clients = [asyncio.create_task(cache.get(reader, SecretQuery(NAMES[0]))) for _ in range(500)]
    await asyncio.sleep(0)
    world.gate.set()
    assert len({(await each).value.version_id for each in clients}) == 1
    assert len(world.asked) == 1


async def test_ten_minutes_of_reads_need_a_tenth_more_calls_than_the_fewest_at_most(
    cache: SecretCache,
    world: "World",
    reader: Reader,
    clock: "ManualClock",
    read: Callable[[str], Any],
) -> None:
    fewest = 600 // TTL * len(NAMES)
    for name in NAMES:
        await cache.get(reader, SecretQuery(name))
    reads = 0
    while clock.elapsed() + TICK < 600:
        await clock.advance(TICK)
        for number in range(READS_A_TICK):
            answer = read(NAMES[number % len(NAMES)])
            reads += answer.state == "hit"
            assert clock.elapsed() - answer.age_seconds >= 0
    assert reads == 1199 * READS_A_TICK, "every read of them was fresh"
    assert fewest <= len(world.asked) <= fewest * 1.1


async def _refuse(_: "ManualClock", error: SidecarError) -> None:
    raise error


async def _hang(clock: "ManualClock", error: SidecarError) -> None:
    await clock.sleep(READ_TIMEOUT)
    raise error


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        pytest.param(_refuse, UpstreamUnreachable("Read Error"), id="connection refused"),
        pytest.param(_hang, UpstreamTimeout("Timeout"), id="hang"),
        pytest.param(_refuse, UpstreamUnavailable("down", status=503), id="503"),
        pytest.param(
            _refuse,
            UpstreamUnavailable("Rate exceeded", status=400, code="ThrottlingException"),
            id="throttling",
        ),
        pytest.param(_refuse, NotReady("the last session has expired"), id="expired credentials"),
    ],
)
async def test_an_outage_of_five_minutes_fails_no_read_of_a_warm_secret_and_makes_none_wait(
    cache: SecretCache,
    world: "World",
    reader: Reader,
    clock: "ManualClock",
    read: Callable[[str], Any],
    *,
    fail: Callable[..., Any],
    error: SidecarError,
) -> None:
    for name in NAMES:
        await cache.get(reader, SecretQuery(name))
    asked = len(world.asked)
    calls = 0

    async def outage() -> None:
        nonlocal calls
        calls += 1
        await fail(clock, error)

    world.outage = outage
    states: set[str] = set()
    while clock.elapsed() < 300:
        await clock.advance(TICK)
        states |= {read(name).state for name in NAMES}
    assert states == {"hit", "stale"}
    assert calls < len(NAMES) * 40, "with pauses"
    world.outage = None
    versions = {name: world.rotate(name) for name in NAMES}
    await clock.advance(30 + READ_TIMEOUT)
    for name in NAMES:
        answer = read(name)
        assert (answer.state, answer.value.version_id) == ("hit", versions[name])
    assert len(world.asked) == asked + len(NAMES)
