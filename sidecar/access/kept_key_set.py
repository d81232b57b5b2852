"""The keys of one issuer as they are held: renewed in the background, kept when that fails."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

from sidecar.access.key_set import MAX_KEY_SET_BYTES, KeySet, KeySetRefused, parse_key_set
from sidecar.clock import Clock
from sidecar.errors import OperatorError, SidecarError
from sidecar.regular_file import appearance, read_regular_file

log = logging.getLogger(__name__)

LOOK_AT_FILE_SECONDS: Final = 2.0
# How often tokens with an unknown kid may have the issuer asked, and how long a caller waits then.
ASK_AGAIN_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 0.5
# How many callers wait at once: they have proved nothing, and each holds a connection of a door.
MOST_PATIENT: Final = 32
# The first pause after a failure; each further one is twice as long, up to the ordinary pause.
_FIRST_PAUSE_SECONDS: Final = 5.0
_MOST_DOUBLINGS: Final = 16

Fetch = Callable[[], Awaitable[bytes]]


class KeySource(Protocol):
    """Where a JWKS comes from.

    Attributes:
        where: what it is called in messages.
        pause_seconds: how long after one reading the next one is due.
        again_seconds: how long at least between two readings, whoever asks.

    """

    where: str
    pause_seconds: float
    again_seconds: float

    async def read(self) -> bytes | None:
        """Give the document; None when it is the one that was given last.

        Raises:
            SidecarError: it cannot be had at the moment.

        """
        ...


class KeyFile:
    """A JWKS in a file, which is read when it looks different from last time."""

    pause_seconds = LOOK_AT_FILE_SECONDS
    again_seconds = 0.0

    def __init__(self, path: Path) -> None:
        self.where = f"file {path}"
        self._path = path
        self._seen: tuple[int, ...] | None = None

    async def read(self) -> bytes | None:
        """Read it if it has changed."""
        return self.read_now()

    def read_now(self) -> bytes | None:
        """Do as `read`, before there is a loop.

        Raises:
            OperatorError: it cannot be read.

        """
        seen, self._seen = self._seen, None
        try:
            status = self._path.stat()
            if seen == appearance(status):
                self._seen = seen
                return None
            content, status = read_regular_file(self._path, MAX_KEY_SET_BYTES + 1)
        except OSError as exc:
            raise OperatorError(f"cannot be read: {exc.strerror}") from exc
        self._seen = appearance(status)
        return content


class KeyUrl:
    """A JWKS at an address, asked for at fixed intervals: no answer can make them longer.

    Args:
        url: the address, for messages.
        fetch: asks there.
        refresh_seconds: how long after one answer the next one is asked for.

    """

    again_seconds = ASK_AGAIN_SECONDS

    def __init__(self, url: str, fetch: Fetch, refresh_seconds: float) -> None:
        self.where = url
        self.pause_seconds = refresh_seconds
        self._fetch = fetch

    async def read(self) -> bytes | None:
        """Ask for it."""
        return await self._fetch()


class KeptKeySet:
    """Holds the current keys; new ones are checked, then swapped whole.

    What cannot be had or cannot be used leaves the old keys in force, and is logged once.

    Args:
        issuer: what the issuer is called in the configuration.
        source: where its keys come from.
        clock: the clock to pause by.
        keys: what was read already, if anything was.

    """

    def __init__(
        self, issuer: str, source: KeySource, clock: Clock, keys: KeySet | None = None
    ) -> None:
        self._issuer = issuer
        self._source = source
        self._clock = clock
        self._keys = keys
        self._flight: asyncio.Task[None] | None = None
        self._began_at: float | None = None
        self._failures = 0
        self._waiting = 0
        self._trouble: str | None = None

    @property
    def where(self) -> str:
        """Where they come from."""
        return self._source.where

    @property
    def current(self) -> KeySet | None:
        """The keys in force; None while there have never been any."""
        return self._keys

    @property
    def trouble(self) -> str | None:
        """Why they could not be renewed last time, if they could not."""
        return self._trouble

    @property
    def crowded(self) -> bool:
        """Whether so many callers wait for other keys that no further one may."""
        return self._waiting >= MOST_PATIENT

    async def run(self) -> None:
        """Renew them for ever; ends only when cancelled."""
        try:
            while True:
                await asyncio.shield(self._join())
                await self._clock.sleep(self._pause())
        finally:
            # Let go of, so that who runs this next does not wait for what has been cancelled.
            flight, self._flight = self._flight, None
            if flight is not None:
                flight.cancel()

    async def renewed(self) -> bool:
        """Look for other keys now, for a token whose key is not held; say whether there are any.

        Any number of callers share one reading and wait half a second for it; it goes on without
        them. Soon after the last one there is none.
        """
        if not self._is_under_way() and self._was_just_read():
            return False
        before, flight = self._keys, self._join()
        patience = asyncio.ensure_future(self._clock.sleep(PATIENCE_SECONDS))
        self._waiting += 1
        try:
            await asyncio.wait({flight, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting -= 1
            patience.cancel()
        return self._keys is not before

    def _is_under_way(self) -> bool:
        return self._flight is not None and not self._flight.done()

    def _was_just_read(self) -> bool:
        began_at, again = self._began_at, self._source.again_seconds
        return began_at is not None and self._clock.elapsed() - began_at < again

    def _join(self) -> "asyncio.Task[None]":
        """Join the reading that is under way, or begin one."""
        if self._flight is None or self._flight.done():
            self._began_at = self._clock.elapsed()
            self._flight = asyncio.create_task(self._read())
        return self._flight

    async def _read(self) -> None:
        try:
            content = await self._source.read()
            keys = None if content is None else parse_key_set(content)
        except (SidecarError, KeySetRefused) as exc:
            self._failed(str(exc))
            return
        if keys is not None:
            self._take(keys)

    def _failed(self, why: str) -> None:
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        if why != self._trouble:
            stays = "there are none so far" if self._keys is None else "the old ones stay"
            log.warning(
                "issuer %s: no new keys, %s %s; %s", self._issuer, self._source.where, why, stays
            )
        self._trouble = why

    def _take(self, keys: KeySet) -> None:
        if keys != self._keys:
            log.info("issuer %s: %d keys from %s", self._issuer, len(keys.keys), self._source.where)
            for each in keys.left_out:
                log.info("issuer %s: left out: %s", self._issuer, each)
            self._keys = keys
        elif self._trouble is not None:
            log.info("issuer %s: the keys can be read again", self._issuer)
        self._failures, self._trouble = 0, None

    def _pause(self) -> float:
        if not self._failures:
            return self._source.pause_seconds
        return min(self._source.pause_seconds, _FIRST_PAUSE_SECONDS * (1 << self._failures >> 1))
