"""One call for any number of callers, whoever of them goes away."""

import asyncio
import math
from typing import Any

import pytest

from sidecar.errors import UpstreamRefused
from sidecar.secret_cache.answer import Copy
from sidecar.secret_cache.flights import Flight, Flights


class Upstream:
    """Calls that wait until the test lets them end, counted."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.error: Exception | None = None
        self.calls = 0
        self.flights: Flights[str, int] = Flights(self.call, lambda: 0.0)

    async def call(self, _flight: Flight[str, int]) -> Copy[int]:
        self.calls += 1
        number = self.calls
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Copy(number, _body, _body)

    async def get(self, question: str) -> int:
        return (await self.flights.join(question).landed()).value


def _body(_: int) -> bytes:
    return b""


@pytest.fixture
async def upstream() -> Upstream:
    return Upstream()


async def _begin(upstream: Upstream, *questions: str) -> list["asyncio.Task[int]"]:
    tasks = [asyncio.create_task(upstream.get(each)) for each in questions]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_each_question_has_one_call(upstream: Upstream) -> None:
    callers = await _begin(upstream, *"aabba")
    upstream.gate.set()
    assert await asyncio.gather(*callers) == [1, 1, 2, 2, 1]


async def test_an_error_reaches_every_caller_and_the_next_one_asks_again(
    upstream: Upstream,
) -> None:
    upstream.error = UpstreamRefused("no")
    upstream.gate.set()
    ended = await asyncio.gather(*await _begin(upstream, *"aaa"), return_exceptions=True)
    assert ended == [upstream.error] * 3
    upstream.error = None
    assert await upstream.get("a") == 2


async def test_a_call_goes_on_when_every_caller_has_gone(upstream: Upstream) -> None:
    [only] = await _begin(upstream, "a")
    only.cancel()
    await asyncio.wait([only])
    [second] = await _begin(upstream, "a")
    upstream.gate.set()
    assert (await second, upstream.calls) == (1, 1)


async def test_an_error_that_nobody_waits_for_is_not_complained_of(upstream: Upstream) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
    upstream.error = UpstreamRefused("no")
    [only] = await _begin(upstream, "a")
    only.cancel()
    upstream.gate.set()
    await asyncio.gather(only, *await _begin(upstream, "b"), return_exceptions=True)
    assert complaints == []


async def test_nobody_joins_a_call_that_is_outdated(upstream: Upstream) -> None:
    [early, other] = await _begin(upstream, "a", "b")
    flight = upstream.flights.of("a")
    upstream.flights.outdate(lambda question: question == "a")
    [late, together] = await _begin(upstream, "a", "b")
    upstream.gate.set()
    ended = [await each for each in (early, other, late, together)]
    assert ended == [1, 2, 3, 2]
    assert flight is not None
    assert flight.outdated


async def test_closing_ends_every_call_outdated_ones_too(upstream: Upstream) -> None:
    callers = await _begin(upstream, "a")
    upstream.flights.outdate(lambda _: True)
    callers += await _begin(upstream, "a", "b")
    await upstream.flights.close()
    ended = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 3


async def test_closing_with_nothing_under_way_is_nothing(upstream: Upstream) -> None:
    await upstream.flights.close()


async def test_however_often_calls_are_outdated_two_are_under_way_and_the_next_one_waits(
    upstream: Upstream,
) -> None:
    callers = []
    for _ in range(200):
        callers += await _begin(upstream, "a")
        upstream.flights.outdate(lambda _: True)
    last = upstream.flights.of("a")
    assert last is not None
    assert (upstream.calls, last.began_at) == (2, math.inf)
    upstream.gate.set()
    assert await asyncio.gather(*callers) == [1, 2] + [3] * 198
    assert (upstream.calls, last.began_at, last.outdated) == (3, 0.0, False)
    [later] = await _begin(upstream, "a")
    assert await later == 4


async def test_closing_ends_a_call_that_waits_too(upstream: Upstream) -> None:
    callers = []
    for _ in range(3):
        callers += await _begin(upstream, "a")
        upstream.flights.outdate(lambda _: True)
    await upstream.flights.close()
    ended = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 3
    assert upstream.calls == 2
