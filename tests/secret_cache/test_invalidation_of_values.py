"""What an invalidation makes of what is held and of calls under way; and insisting on a call."""

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnreachable
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import MakeCache, World

LIMITS: Final = Limits(ttl_seconds=300, max_stale_seconds=600, size=20, keep_warm_seconds=100)
NAME: Final = "prod/web"
QUERY: Final = SecretQuery(NAME)


@pytest.fixture
def cache(make_cache: "MakeCache", world: "World", clock: "ManualClock") -> SecretCache:
    return make_cache(world, clock, LIMITS)


@pytest.fixture
async def arn(cache: SecretCache, world: "World", reader: Reader) -> str:
    """Give the ARN of a secret that is held under all its ids."""
    arn = world.create(NAME)
    for each in (NAME, arn, arn[:-7]):
        await cache.get(reader, SecretQuery(each))
    return arn


@pytest.mark.parametrize("cut", [None, -7, 0], ids=["whole ARN", "partial ARN", "name"])
async def test_what_is_in_use_is_asked_for_at_once_under_every_id(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", cut: int, arn: str
) -> None:
    version = world.rotate(NAME)
    assert cache.invalidate(arn[:cut] or NAME) == 1
    assert (await cache.get(reader, QUERY)).value.version_id == version
    answers = [await cache.get(reader, SecretQuery(each)) for each in (NAME, arn, arn[:-7])]
    assert {(each.value.version_id, each.state) for each in answers} == {(version, "hit")}
    assert len(world.asked) == 2


async def test_every_reader_is_concerned_and_no_other_secret(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    await cache.get(Reader("other", reader.region), QUERY)
    world.create("prod/web2")
    await cache.get(reader, SecretQuery("prod/web2"))
    assert cache.invalidate(NAME) == 2
    assert (await cache.get(reader, SecretQuery("prod/web2"))).state == "hit"
    assert cache.invalidate("prod") == 0
    assert cache.invalidate_all() == 3


async def test_what_is_not_in_use_is_asked_for_by_the_next_read(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    clock.jump(LIMITS.keep_warm_seconds)
    version = world.rotate(NAME)
    cache.invalidate(NAME)
    await clock.advance(0)
    assert len(world.asked) == 1
    answer = await cache.get(reader, QUERY)
    assert (answer.value.version_id, answer.state) == (version, "miss")


@pytest.mark.parametrize("wait", [True, False])
async def test_after_one_s_own_write_the_next_read_waits_for_aws(
    cache: SecretCache,
    world: "World",
    reader: Reader,
    clock: "ManualClock",
    arn: str,
    *,
    wait: bool,
) -> None:
    version = world.rotate(NAME)
    world.gate = asyncio.Event()
    cache.invalidate(NAME, wait=wait)
    reading = asyncio.create_task(cache.get(reader, QUERY))
    await clock.advance(20)
    assert reading.done() is not wait
    world.gate.set()
    assert ((await reading).value.version_id == version) is wait


async def test_after_one_s_own_write_an_outage_is_no_failed_read(
    cache: SecretCache, world: "World", reader: Reader, arn: str
) -> None:
    world.failure = UpstreamUnreachable("Read Error")
    cache.invalidate(NAME, wait=True)
    assert (await cache.get(reader, QUERY)).state == "stale"


async def test_the_answer_of_a_call_that_began_before_is_not_held(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    world.gate = gate = asyncio.Event()
    insisting = asyncio.create_task(cache.get(reader, QUERY, refresh_now=True))
    await clock.advance(0)
    world.gate = None
    version = world.rotate(NAME)
    cache.invalidate(NAME)
    await clock.advance(0)
    gate.set()
    assert (await insisting).value.version_id != version
    answer = await cache.get(reader, QUERY)
    assert (answer.value.version_id, answer.state) == (version, "hit")


@pytest.mark.parametrize("by_arn", [True, False])
async def test_the_first_answer_is_not_held_either_if_it_was_asked_for_before(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", *, by_arn: bool
) -> None:
    arn = world.create(NAME)
    world.gate = gate = asyncio.Event()
    reading = asyncio.create_task(cache.get(reader, QUERY))
    await clock.advance(0)
    version = world.rotate(NAME)
    cache.invalidate(arn if by_arn else NAME)
    gate.set()
    assert (await reading).value.version_id != version
    assert (await cache.get(reader, QUERY)).value.version_id == version


@pytest.mark.parametrize(
    "failure", [UpstreamUnreachable("Read Error"), UpstreamRefused("denied")], ids=repr
)
async def test_the_failure_of_a_call_that_began_before_means_nothing(
    cache: SecretCache,
    world: "World",
    reader: Reader,
    clock: "ManualClock",
    arn: str,
    failure: SidecarError,
) -> None:
    world.gate = gate = asyncio.Event()
    insisting = asyncio.create_task(cache.get(reader, QUERY, refresh_now=True))
    await clock.advance(0)
    world.gate = None
    cache.invalidate(arn)
    await clock.advance(0)
    world.failure = failure
    gate.set()
    await asyncio.wait([insisting])
    assert (await cache.get(reader, QUERY)).state == "hit"
    assert cache.statistics().failures == 1
    insisting.exception()


async def test_a_failure_says_nothing_of_a_value_that_was_asked_for_later(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    world.gate = asyncio.Event()
    insisting = asyncio.create_task(cache.get(reader, QUERY, refresh_now=True))
    await clock.advance(1)
    cache.put(reader, QUERY, world.find(SecretQuery(arn, version_stage="AWSCURRENT")))
    world.failure = UpstreamRefused("denied")
    world.gate.set()
    with pytest.raises(UpstreamRefused):
        await insisting
    assert (await cache.get(reader, QUERY)).state == "hit"


async def test_a_batch_for_a_reader_that_was_forgotten_is_left_out(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    began = clock.elapsed()
    await clock.advance(1)
    value = world.find(SecretQuery(arn, version_stage="AWSCURRENT"))
    cache.forget_reader(reader)
    cache.put(reader, QUERY, value, asked_at=began)
    assert not cache.holds(reader, QUERY)


async def test_a_batch_that_began_before_is_left_out(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    arn = world.create(NAME)
    old = SecretValue(arn, NAME, "v0", Secret("canary"), None, ("AWSCURRENT",), None)
    began = clock.elapsed()
    await clock.advance(1)
    cache.invalidate(NAME)
    cache.put(reader, QUERY, old, asked_at=began)
    assert not cache.holds(reader, QUERY)
    cache.put(reader, QUERY, old, asked_at=clock.elapsed())
    assert cache.holds(reader, SecretQuery(arn))


async def test_a_refusal_is_forgotten_when_something_has_changed(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    with pytest.raises(Exception, match="no such secret"):
        await cache.get(reader, QUERY)
    world.create(NAME)
    cache.invalidate(NAME)
    assert (await cache.get(reader, QUERY)).state == "miss"


async def test_who_insists_gets_what_is_true_from_then_on_and_shares_the_call(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    world.gate = asyncio.Event()
    first = asyncio.create_task(cache.get(reader, QUERY, refresh_now=True))
    await clock.advance(1)
    version = world.rotate(NAME)
    rest = [
        asyncio.create_task(cache.get(reader, SecretQuery(each), refresh_now=True))
        for each in (NAME, arn) * 50
    ]
    await clock.advance(0)
    world.gate.set()
    assert (await first).value.version_id != version
    assert {each.value.version_id for each in await asyncio.gather(*rest)} == {version}
    assert len(world.asked) == 3


async def test_who_insists_too_often_gets_what_is_held(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    states = [(await cache.get(reader, QUERY, refresh_now=True)).state for _ in range(8)]
    assert states == ["miss"] * 5 + ["hit"] * 3
    await clock.advance(1)
    states = [(await cache.get(reader, QUERY, refresh_now=True)).state for _ in range(3)]
    assert states == ["miss", "hit", "hit"]


async def test_who_insists_in_an_outage_is_told_that_the_value_is_the_held_one(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    world.failure = UpstreamUnreachable("Read Error")
    assert (await cache.get(reader, QUERY, refresh_now=True)).state == "stale"
    assert (await cache.get(reader, QUERY)).state == "hit"
    await clock.advance(LIMITS.ttl_seconds * 0.9)
    assert len(world.asked) == 2, "a fresh value stays as fresh as it was"


async def test_in_an_outage_invalidations_make_no_read_wait_and_no_more_calls(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    world.failure = UpstreamUnreachable("Read Error")
    cache.invalidate(NAME)
    await clock.advance(0)
    for _ in range(100):
        cache.invalidate(NAME)
        reading = asyncio.create_task(cache.get(reader, QUERY))
        await asyncio.sleep(0)
        assert reading.done()
        assert reading.result().state == "stale"
    assert len(world.asked) == 2


async def test_however_often_a_value_is_invalidated_two_calls_hang_at_most(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock", arn: str
) -> None:
    world.gate = gate = asyncio.Event()
    for _ in range(200):
        cache.invalidate(NAME)
        await clock.advance(0.01)
    assert len(world.asked) == 1 + 2
    assert (await cache.get(reader, QUERY)).state == "stale"
    version = world.rotate(NAME)
    world.gate = None
    gate.set()
    await clock.advance(0)
    answer = await cache.get(reader, QUERY)
    assert (answer.state, answer.value.version_id, len(world.asked)) == ("hit", version, 1 + 3)


@pytest.mark.parametrize("whole", [True, False])
async def test_what_has_perhaps_changed_is_read_again_and_no_read_waits(
    cache: SecretCache,
    world: "World",
    reader: Reader,
    clock: "ManualClock",
    arn: str,
    *,
    whole: bool,
) -> None:
    version = world.rotate(NAME)
    world.gate = gate = asyncio.Event()
    assert (cache.renew_all() if whole else cache.renew(arn)) == 1
    for _ in range(5):
        await clock.advance(10)
        answer = await cache.get(reader, QUERY)
        assert (answer.state, answer.value.version_id == version) == ("hit", False)
    gate.set()
    await clock.advance(0)
    answer = await cache.get(reader, QUERY)
    assert (answer.state, answer.value.version_id) == ("hit", version)
    assert len(world.asked) == 2
