"""One call upstream for any number of callers who want the same."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class SingleFlight(Generic[_Key, _Value]):
    """Shares one running call per key; a caller who goes away cancels nothing."""

    def __init__(self) -> None:
        self._flights: dict[_Key, asyncio.Task[_Value]] = {}

    async def fly(self, key: _Key, call: Callable[[], Awaitable[_Value]]) -> _Value:
        """Join the flight of `key`, or start it with `call`; raise what the call raises."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(_as_coroutine(call))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _landed(self, key: _Key, done: "asyncio.Task[_Value]") -> None:
        del self._flights[key]
        if not done.cancelled():
            done.exception()  # read it even when every caller has gone, or asyncio complains


async def _as_coroutine(call: Callable[[], Awaitable[_Value]]) -> _Value:
    return await call()
