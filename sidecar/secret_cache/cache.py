"""Secrets held in memory for a time, and kept when AWS cannot be asked."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, Final

from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.clock import Clock
from sidecar.errors import SidecarError
from sidecar.secret_cache.answer import render
from sidecar.secret_cache.request import SecretRequest
from sidecar.secret_cache.single_flight import SingleFlight

log = logging.getLogger(__name__)

Fetch = Callable[[SecretQuery], Awaitable[SecretValue]]

# After a failure the held value is served without asking again for this long: a request must not
# wait for a dead network each time.
_RETRY_AFTER_SECONDS: Final = 5.0
# How long a request waits for AWS while there is a value that could be served instead.
_PATIENCE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a value is fresh, how much longer it may serve in need, and how many are kept."""

    ttl_seconds: float
    max_stale_seconds: float
    size: int


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One held answer; `ask_again_at` is when it stops being served without asking AWS.

    Moments are those of `Clock.elapsed`, in seconds: setting the wall clock makes no value young.
    """

    name: str
    body: bytes
    fetched_at: float
    ask_again_at: float

    def serves_in_need_until(self, limits: Limits) -> float:
        """When the value is too old to stand in for one that AWS does not give."""
        return self.fetched_at + limits.ttl_seconds + limits.max_stale_seconds


class SecretCache:
    """Answers requests for secrets from memory, asking AWS once per secret and lifetime.

    Args:
        fetch: asks AWS.
        clock: the wall clock.
        limits: see `Limits`.

    """

    def __init__(self, fetch: Fetch, clock: Clock, limits: Limits) -> None:
        self._fetch = fetch
        self._clock = clock
        self._limits = limits
        self._entries: OrderedDict[SecretQuery, Entry] = OrderedDict()
        self._flights: SingleFlight[SecretQuery, Entry] = SingleFlight()

    async def get(self, request: SecretRequest) -> Entry:
        """Return the answer to a request; it awaits nothing while the held value is fresh.

        Raises:
            SidecarError: AWS said no, or cannot be asked and nothing young enough is held.

        """
        query = _canonical(request.query)
        held = self._entries.get(query)
        if held is not None:
            self._entries.move_to_end(query)
            if not request.refresh_now and self._clock.elapsed() < held.ask_again_at:
                return held
        flight = self._flights.fly(query, lambda: self._refresh(query))
        if held is None or request.refresh_now:
            return await flight
        return await self._within_patience(query, flight, held)

    async def prefetch(
        self, secret_id: str, on_failure: Callable[[SidecarError], None] = lambda _: None
    ) -> None:
        """Hold a secret, asking again and again until AWS gives it.

        Args:
            secret_id: name or ARN.
            on_failure: told of every attempt that failed.

        """
        for pause in _pauses():
            failure = await self._attempt(secret_id)
            if failure is None:
                return
            log.warning(
                "prefetch of secret %s failed: %s; next attempt in %d s",
                secret_id,
                failure.message,
                pause,
            )
            on_failure(failure)
            await self._clock.sleep(pause)

    async def close(self) -> None:
        """End what is under way and forget every value."""
        await self._flights.close()
        self._entries.clear()

    async def _attempt(self, secret_id: str) -> SidecarError | None:
        try:
            await self.get(SecretRequest(SecretQuery(secret_id)))
        except SidecarError as exc:
            return exc
        except Exception as exc:  # a bug must not end the prefetching
            log.exception("prefetch of secret %s failed unexpectedly", secret_id)
            return SidecarError(f"unexpected {type(exc).__name__}; see the log")
        return None

    async def _within_patience(
        self, query: SecretQuery, flight: Coroutine[Any, Any, Entry], held: Entry
    ) -> Entry:
        """Wait a little for the fresh value; then give the held one while the flight goes on."""
        arrival = asyncio.ensure_future(flight)
        patience = asyncio.ensure_future(self._clock.sleep(_PATIENCE_SECONDS))
        try:
            await asyncio.wait({arrival, patience}, return_when=asyncio.FIRST_COMPLETED)
            too_old = self._clock.elapsed() >= held.serves_in_need_until(self._limits)
            if arrival.done() or too_old or not self._still_held(query, held):
                return await arrival
            log.warning("secret %s: serving the held value: AWS takes long to answer", held.name)
            return self._postponed(query, held)
        finally:
            patience.cancel()
            arrival.cancel()

    async def _refresh(self, query: SecretQuery) -> Entry:
        try:
            value = await self._fetch(query)
        except SidecarError as exc:
            return self._in_need(query, exc)
        now = self._clock.elapsed()
        entry = Entry(value.name, render(value), now, now + self._limits.ttl_seconds)
        self._hold(query, entry)
        return entry

    def _in_need(self, query: SecretQuery, exc: SidecarError) -> Entry:
        """Fall back to the held value where the failure may pass; else forget it and say no."""
        held = self._entries.get(query)
        if held is None:
            raise exc
        if not exc.retryable or self._clock.elapsed() >= held.serves_in_need_until(self._limits):
            del self._entries[query]
            raise exc
        log.warning("secret %s: serving the held value: %s", held.name, exc.message)
        return self._postponed(query, held)

    def _still_held(self, query: SecretQuery, held: Entry) -> bool:
        """Whether the value has been neither replaced nor forgotten while somebody waited."""
        entry = self._entries.get(query)
        return entry is not None and entry.body is held.body

    def _postponed(self, query: SecretQuery, held: Entry) -> Entry:
        """Let the held value be served for a while without asking AWS again."""
        pause_ends = max(held.ask_again_at, self._clock.elapsed() + _RETRY_AFTER_SECONDS)
        entry = replace(held, ask_again_at=min(pause_ends, held.serves_in_need_until(self._limits)))
        self._entries[query] = entry
        return entry

    def _hold(self, query: SecretQuery, entry: Entry) -> None:
        self._entries[query] = entry
        self._entries.move_to_end(query)
        while len(self._entries) > self._limits.size:
            self._entries.popitem(last=False)


def _pauses() -> Iterator[int]:
    """Give the seconds between attempts: doubling, a minute at most."""
    yield from (1, 2, 4, 8, 16, 32)
    yield from repeat(60)


def _canonical(query: SecretQuery) -> SecretQuery:
    """Make no stage and ``AWSCURRENT`` one key: they are the same question."""
    if query.version_id is None and query.version_stage is None:
        return replace(query, version_stage="AWSCURRENT")
    return query
