"""Reads on a clock moved by hand: what they are answered with, and when they wait for AWS."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.secret_cache.answer import Answer
from sidecar.secret_cache.cache import SecretCache

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import Upstream

TTL, MAX_STALE = 300, 600
RENEWED_AT = 285


def at_once(cache: SecretCache, reader: Reader, secret_id: str = "a") -> Answer[SecretValue]:
    """Read without letting the event loop run: what would wait raises."""
    with pytest.raises(StopIteration) as ended:
        cache.get(reader, SecretQuery(secret_id)).send(None)
    answer: Answer[SecretValue] = ended.value.value
    return answer


async def test_the_first_read_asks_aws(cache: SecretCache, reader: Reader) -> None:
    answer = await cache.get(reader, SecretQuery("prod/web"))
    assert (answer.value.name, answer.state, answer.age_seconds) == ("prod/web", "miss", 0)
    assert b"canary-value-1" in answer.agent_body


async def test_a_fresh_value_is_given_without_awaiting_anything(
    cache: SecretCache, reader: Reader, clock: "ManualClock"
) -> None:
    first = await cache.get(reader, SecretQuery("a"))
    clock.jump(RENEWED_AT - 1)
    again = at_once(cache, reader)
    assert (again.state, again.age_seconds) == ("hit", RENEWED_AT - 1)
    assert again.agent_body is first.agent_body, "it is the same bytes"


async def test_a_read_near_the_end_of_its_time_renews_the_value_and_does_not_wait(
    cache: SecretCache, reader: Reader, clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    clock.jump(RENEWED_AT)
    upstream.gate.clear()
    assert [at_once(cache, reader).state for _ in range(3)] == ["hit"] * 3
    await clock.advance(0)
    assert len(upstream.asked) == 2
    upstream.gate.set()
    await clock.advance(0)
    assert await ask() == (2, "hit")


async def test_a_value_that_nobody_renewed_is_asked_for_and_waited_for(
    clock: "ManualClock", ask: Any
) -> None:
    await ask()
    clock.jump(TTL)
    assert await ask() == (2, "miss")


async def test_nobody_waits_long_for_aws_while_a_value_is_held(
    cache: SecretCache, reader: Reader, clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    clock.jump(TTL)
    upstream.gate.clear()
    first = asyncio.create_task(ask())
    await clock.advance(0.4)
    second = asyncio.create_task(ask())
    await clock.advance(0)
    assert not any(each.done() for each in (first, second))
    await clock.advance(0.2)
    assert (await first, await second) == ((1, "stale"), (1, "stale"))
    assert at_once(cache, reader).state == "stale", "who comes later does not wait at all"
    upstream.gate.set()
    await clock.advance(0)
    assert await ask() == (2, "hit"), "the answer that came late is taken"


async def test_a_value_too_old_to_stand_in_is_waited_for(
    clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    clock.jump(TTL + MAX_STALE)
    upstream.gate.clear()
    asking = asyncio.create_task(ask())
    await clock.advance(60)
    assert not asking.done()
    upstream.gate.set()
    assert await asking == (2, "miss")


async def test_a_value_that_gets_too_old_while_it_is_waited_for_is_not_served(
    clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    clock.jump(TTL + MAX_STALE - 0.25)
    upstream.gate.clear()
    asking = asyncio.create_task(ask())
    await clock.advance(60)
    assert not asking.done()
    upstream.gate.set()
    assert await asking == (2, "miss")


async def test_any_number_of_first_reads_ask_aws_once(upstream: "Upstream", ask: Any) -> None:
    upstream.gate.clear()
    callers = [asyncio.create_task(ask()) for _ in range(500)]
    await asyncio.sleep(0)
    upstream.gate.set()
    assert await asyncio.gather(*callers) == [(1, "miss")] * 500
    assert len(upstream.asked) == 1


async def test_a_caller_who_goes_away_cancels_nothing(upstream: "Upstream", ask: Any) -> None:
    upstream.gate.clear()
    leaving, staying = (asyncio.create_task(ask()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    upstream.gate.set()
    assert await staying == (1, "miss")
    assert (leaving.cancelled(), len(upstream.asked)) == (True, 1)


async def test_two_readers_are_given_nothing_of_each_other_s(
    cache: SecretCache, reader: Reader
) -> None:
    first = await cache.get(reader, SecretQuery("a"))
    second = await cache.get(Reader("other", reader.region), SecretQuery("a"))
    third = await cache.get(Reader(reader.role, "us-east-1"), SecretQuery("a"))
    assert [each.value.version_id for each in (first, second, third)] == ["1", "2", "3"]


async def test_a_forgotten_reader_s_values_are_gone_and_only_those(
    cache: SecretCache, reader: Reader
) -> None:
    other = Reader("other", reader.region)
    for each in (reader, other):
        await cache.get(each, SecretQuery("a"))
    cache.forget_reader(reader)
    assert (cache.holds(reader, SecretQuery("a")), cache.holds(other, SecretQuery("a"))) == (
        False,
        True,
    )


async def test_a_wall_clock_set_back_makes_no_value_young(clock: "ManualClock", ask: Any) -> None:
    await ask()
    clock.set_wall(-24 * 3600)
    await clock.advance(TTL)
    assert await ask() == (2, "miss")


async def test_closing_ends_what_is_under_way_and_forgets_every_value(
    cache: SecretCache, upstream: "Upstream", clock: "ManualClock", ask: Any
) -> None:
    await ask()
    upstream.gate.clear()
    waiting = asyncio.create_task(ask("b"))
    await clock.advance(0)
    await cache.close()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    upstream.gate.set()
    assert await ask() == (3, "miss")


async def test_the_value_unused_for_longest_makes_room(upstream: "Upstream", ask: Any) -> None:
    for secret_id in ("a", "b", "a", "c", "a"):
        await ask(secret_id)
    assert [each.secret_id for each in upstream.asked] == ["a", "b", "c"]
    assert await ask("b") == (4, "miss")
