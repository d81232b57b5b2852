"""Reading twenty secrets in one call into the cache, or one at a time where that is denied."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, Protocol

from sidecar.aws.batch import Batch
from sidecar.aws.reader import Reader
from sidecar.aws.secret import ListedSecret, SecretFilter, SecretQuery, SecretValue
from sidecar.clock import Clock
from sidecar.errors import SidecarError, UpstreamRefused

log = logging.getLogger(__name__)

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


class Source(Protocol):
    """Secrets Manager as one reader sees it."""

    @property
    def reader(self) -> Reader:
        """Whose credentials read."""
        ...

    async def batch(self, secret_ids: Sequence[str]) -> Batch[SecretValue]:
        """Read up to 20 secrets; SidecarError when AWS refuses all or cannot be asked."""
        ...

    async def list(self, wanted: SecretFilter) -> Sequence[ListedSecret]:
        """List secrets; SidecarError when AWS refuses or cannot be asked."""
        ...


class Cache(Protocol):
    """Where values are held."""

    def get(self, reader: Reader, query: SecretQuery) -> Awaitable[object]:
        """Hold a secret, asking AWS for it; SidecarError when there is none to be had."""
        ...

    def put(
        self, reader: Reader, query: SecretQuery, value: SecretValue, *, asked_at: float | None
    ) -> None:
        """Hold a value that AWS was asked for at a moment, unless it may have changed since."""
        ...

    def holds(self, reader: Reader, query: SecretQuery) -> bool:
        """Whether a secret is held."""
        ...


class BatchReading:
    """Reads secrets into the cache.

    Args:
        source: where they are read.
        cache: what holds them.
        clock: the clock.

    """

    def __init__(self, source: Source, cache: Cache, clock: Clock) -> None:
        self._source = source
        self._cache = cache
        self._clock = clock
        self._one_by_one = False

    async def read(self, ids: Sequence[str]) -> Mapping[str, SidecarError]:
        """Read up to 20 secrets and return which failed, and why.

        Raises:
            SidecarError: AWS cannot be asked for any at the moment.

        """
        if self._one_by_one:
            return await self._each(ids)
        reader, asked_at = self._source.reader, self._clock.elapsed()
        try:
            batch = await self._source.batch(ids)
        except UpstreamRefused as exc:
            # One id that is none is enough for AWS to refuse all twenty.
            if exc.code in _DENIED:
                self._one_by_one = True
                log.warning(
                    "prefetch reads one secret at a time: the credentials of %s lack "
                    "secretsmanager:BatchGetSecretValue",
                    reader.role,
                )
            return await self._each(ids)
        for secret_id, value in batch.values.items():
            self._cache.put(reader, SecretQuery(secret_id), value, asked_at=asked_at)
        changed = [each for each in batch.values if not self.holds(each)]
        return {**batch.errors, **await self._each(changed)}

    def holds(self, secret_id: str) -> bool:
        """Whether a secret is in the cache."""
        return self._cache.holds(self._source.reader, SecretQuery(secret_id))

    async def _each(self, ids: Sequence[str]) -> Mapping[str, SidecarError]:
        asked = (self._cache.get(self._source.reader, SecretQuery(each)) for each in ids)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        errors: dict[str, SidecarError] = {}
        for secret_id, answer in zip(ids, answers, strict=True):
            if isinstance(answer, SidecarError):
                errors[secret_id] = answer
            elif isinstance(answer, BaseException):
                raise answer
        return errors
