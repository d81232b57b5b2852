"""Holding secrets before anybody asks for them, and trying again what AWS does not give."""

import logging
import random
from collections.abc import Callable, Sequence
from typing import Final

from sidecar.aws.secrets_manager import MOST_IN_A_BATCH
from sidecar.clock import Clock
from sidecar.errors import SidecarError
from sidecar.secret_cache.batch_reading import BatchReading, Cache, Source
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.pauses import pause_after
from sidecar.secret_cache.prefetch_wanted import Selection, Wanted

log = logging.getLogger(__name__)

# The rest of the cache is for what applications ask for.
_SHARE_OF_THE_CACHE: Final = 0.8
# How often patterns and tags are asked for again, in TTLs: new secrets are found by it.
_TTLS_BETWEEN_LISTS: Final = 10
_LEAST_BETWEEN_LISTS_SECONDS: Final = 60.0
_NOT_YET: Final = "not read yet"


class Prefetch:
    """Reads what is wanted, trying again without end what AWS does not give.

    At most 80 % of the cache is used. What is read is renewed by the cache like everything else;
    patterns and tags are asked for again now and then, so that new secrets are found.

    Args:
        wanted: what is to be held.
        source: where it is read.
        cache: what holds it.
        clock: the clock.
        limits: those of the cache.
        jitter: gives a random number from 0 up to 1.

    """

    def __init__(
        self,
        wanted: Wanted,
        source: Source,
        cache: Cache,
        clock: Clock,
        limits: Limits,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._reading = BatchReading(source, cache, clock)
        self._clock = clock
        self._jitter = jitter
        self._most = int(limits.size * _SHARE_OF_THE_CACHE) or 1
        self._between_lists = max(
            limits.ttl_seconds * _TTLS_BETWEEN_LISTS, _LEAST_BETWEEN_LISTS_SECONDS
        )
        self._named = dict.fromkeys(wanted.ids[: self._most])
        self._selections = wanted.selections
        # What is still to be done: ids with the reason why, and selections.
        self._unread = dict.fromkeys(self._named, _NOT_YET)
        self._unlisted = list(wanted.selections)
        self._chosen: dict[str, tuple[str, ...]] = {}
        # What has never been done, with the reason why.
        labels = (*map(_label, self._named), *(each.label for each in wanted.selections))
        self._pending = dict.fromkeys(labels, _NOT_YET)
        self._tell_what_is_left_out("secrets.prefetch", len(wanted.ids) - len(self._named))

    def pending(self) -> dict[str, str]:
        """Say what has never been read or listed so far, and why."""
        return dict(self._pending)

    async def run(self) -> None:
        """Read, and go on reading what is missing or new; ends when there can be nothing more."""
        failures = 0
        list_at = self._clock.elapsed() + self._between_lists
        while not await self._attempt() or self._selections:
            failures = failures + 1 if self._unread or self._unlisted else 0
            rest = max(list_at - self._clock.elapsed(), 0)
            if failures:
                rest = min(rest, pause_after(failures, jitter=self._jitter()))
            await self._clock.sleep(rest)
            if self._clock.elapsed() >= list_at:
                list_at = self._clock.elapsed() + self._between_lists
                self._unlisted = list(self._selections)

    async def _attempt(self) -> bool:
        """Try everything once that is still to be done; True when nothing is left of it."""
        try:
            await self._read(list(self._unread))
            for selection in list(self._unlisted):
                await self._list_and_read(selection)
        except Exception:  # a bug must not end the prefetching
            log.exception("prefetch failed unexpectedly")
            return False
        for selection in self._selections:
            self._settle(selection)
        return not self._unread and not self._unlisted

    async def _list_and_read(self, selection: Selection) -> None:
        """Choose the secrets of a selection as far as there is room, and read what is new."""
        try:
            listed = await self._source.list(selection.filter)
        except SidecarError as exc:
            self._not_listed(selection, exc)
            return
        # By name: what is listed is the reader's own, so that its name and its ARN are one secret.
        found = dict.fromkeys(each.name for each in listed if selection.includes(each.name))
        taken = {
            name
            for label, names in self._chosen.items()
            if label != selection.label
            for name in names
        }
        names = [name for name in found if name not in taken and name not in self._named]
        room = max(self._most - len(self._named) - len(taken), 0)
        self._tell_what_is_left_out(selection.label, len(names) - room)
        self._chosen[selection.label] = tuple(names[:room])
        self._unlisted.remove(selection)
        await self._read([name for name in names[:room] if not self._reading.holds(name)])

    async def _read(self, ids: Sequence[str]) -> None:
        """Read secrets, 20 at a time, until AWS cannot be asked."""
        self._unread |= {each: _NOT_YET for each in ids if each not in self._unread}
        for start in range(0, len(ids), MOST_IN_A_BATCH):
            asked = ids[start : start + MOST_IN_A_BATCH]
            try:
                errors = await self._reading.read(asked)
            except SidecarError as exc:
                for secret_id in ids[start:]:
                    self._missed(secret_id, exc)
                return
            for secret_id in asked:
                if secret_id in errors:
                    self._missed(secret_id, errors[secret_id])
                else:
                    self._unread.pop(secret_id, None)
                    self._pending.pop(_label(secret_id), None)

    def _missed(self, secret_id: str, exc: SidecarError) -> None:
        """Keep an id that was named, and one that AWS may still give, for the next attempt."""
        label, reason = _label(secret_id), f"{_NOT_YET}: {exc.message}"
        if self._unread.get(secret_id) != reason:
            log.warning("prefetch: %s %s", label, reason)
        self._unread[secret_id] = reason
        if label in self._pending:
            self._pending[label] = reason
        elif not exc.retryable and secret_id not in self._named:
            del self._unread[secret_id]

    def _settle(self, selection: Selection) -> None:
        """Wait no more for a selection of which everything has been read that can be."""
        if selection in self._unlisted or selection.label not in self._pending:
            return
        chosen = self._chosen[selection.label]
        missing = [self._unread[name] for name in chosen if name in self._unread]
        if missing:
            why = f"{len(missing)} of {len(chosen)} {missing[0]}"
            self._pending[selection.label] = why
        else:
            del self._pending[selection.label]

    def _not_listed(self, selection: Selection, exc: SidecarError) -> None:
        why = f"not listed yet: {exc.message}"
        if self._pending.get(selection.label) != why:
            log.warning("prefetch: %s could not be listed: %s", selection.label, exc.message)
        if selection.label in self._pending:
            self._pending[selection.label] = why

    def _tell_what_is_left_out(self, what: str, count: int) -> None:
        if count > 0:
            log.warning(
                "prefetch: %d of %s left out: prefetching fills at most %d of the cache's entries; "
                "raise secrets.cache_size",
                count,
                what,
                self._most,
            )


def _label(secret_id: str) -> str:
    return f"secret {secret_id}"
