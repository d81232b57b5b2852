"""One call for any number of callers, whoever of them goes away."""

import asyncio

import pytest

from sidecar.errors import UpstreamRefused
from sidecar.secret_cache.single_flight import SingleFlight

CALLERS = 500


class Upstream:
    """A call that waits until the test lets it end, and counts how often it was made."""

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.called = asyncio.Event()

    async def call(self) -> int:
        self.calls += 1
        self.called.set()
        number = self.calls
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return number


@pytest.fixture
async def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def flights() -> SingleFlight[str, int]:
    return SingleFlight()


def _callers(
    flights: SingleFlight[str, int], upstream: Upstream, key: str, count: int = CALLERS
) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(flights.fly(key, upstream.call)) for _ in range(count)]


async def test_any_number_of_callers_make_one_call(
    flights: SingleFlight[str, int], upstream: Upstream
) -> None:
    callers = _callers(flights, upstream, "a")
    await upstream.called.wait()
    upstream.gate.set()
    assert await asyncio.gather(*callers) == [1] * CALLERS
    assert upstream.calls == 1


async def test_callers_of_another_key_have_a_flight_of_their_own(
    flights: SingleFlight[str, int], upstream: Upstream
) -> None:
    upstream.gate.set()
    callers = _callers(flights, upstream, "a", 2) + _callers(flights, upstream, "b", 2)
    assert await asyncio.gather(*callers) == [1, 1, 2, 2]


async def test_an_error_reaches_every_caller(
    flights: SingleFlight[str, int], upstream: Upstream
) -> None:
    upstream.error = UpstreamRefused("no")
    upstream.gate.set()
    ended = await asyncio.gather(*_callers(flights, upstream, "a"), return_exceptions=True)
    assert ended == [upstream.error] * CALLERS


async def test_callers_who_go_away_cancel_nothing_for_those_who_stay(
    flights: SingleFlight[str, int], upstream: Upstream
) -> None:
    first, *leaving, last = _callers(flights, upstream, "a", 10)
    await upstream.called.wait()
    for each in (first, *leaving):
        each.cancel()
    upstream.gate.set()
    assert await last == 1
    assert all(each.cancelled() for each in (first, *leaving))


async def test_a_flight_goes_on_when_every_caller_has_gone(
    flights: SingleFlight[str, int], upstream: Upstream
) -> None:
    [only] = _callers(flights, upstream, "a", 1)
    await upstream.called.wait()
    only.cancel()
    await asyncio.wait([only])
    [second] = _callers(flights, upstream, "a", 1)
    await upstream.called.wait()
    upstream.gate.set()
    assert (await second, upstream.cancelled) == (1, 0)


async def test_an_error_that_nobody_waits_for_is_not_complained_of(
    flights: SingleFlight[str, int], upstream: Upstream
) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
    upstream.error = UpstreamRefused("no")
    [only] = _callers(flights, upstream, "a", 1)
    await upstream.called.wait()
    only.cancel()
    upstream.gate.set()
    await asyncio.gather(only, *_callers(flights, upstream, "b", 1), return_exceptions=True)
    assert complaints == []


@pytest.mark.parametrize("error", [None, UpstreamRefused("no")], ids=["landed", "failed"])
async def test_the_next_call_is_a_new_flight(
    flights: SingleFlight[str, int], upstream: Upstream, error: Exception | None
) -> None:
    upstream.error = error
    upstream.gate.set()
    await asyncio.gather(*_callers(flights, upstream, "a", 1), return_exceptions=True)
    upstream.error = None
    assert await flights.fly("a", upstream.call) == 2


async def test_closing_cancels_what_is_under_way_and_waits_for_its_end(
    flights: SingleFlight[str, int], upstream: Upstream
) -> None:
    callers = _callers(flights, upstream, "a", 3)
    await upstream.called.wait()
    await flights.close()
    assert upstream.cancelled == 1
    ended = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 3


async def test_closing_with_nothing_under_way_is_nothing(
    flights: SingleFlight[str, int],
) -> None:
    await flights.close()
