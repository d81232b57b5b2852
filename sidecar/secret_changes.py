"""What fills the caches ahead and what tells them of changes, from a configuration."""

from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sidecar.access.policy import matches
from sidecar.aws.batch import Batch
from sidecar.aws.queue import Message, Queue, region_of
from sidecar.aws.secret import ListedSecret, SecretFilter, SecretValue
from sidecar.clock import Clock
from sidecar.config.schema import Config
from sidecar.errors import ConfigError, Problem
from sidecar.role_graph import endpoint_of
from sidecar.secret_cache.event_queue import EventQueue
from sidecar.secret_cache.invalidation import Invalidation
from sidecar.secret_cache.prefetch import Prefetch
from sidecar.secret_cache.prefetch_wanted import wanted
from sidecar.secret_cache.reply_cache import ReplyCache
from sidecar.secret_graph import SecretGraph, SecretReaders, limits_of


@dataclass(frozen=True, slots=True)
class Changes:
    """Prefetching, and the ways in which changes arrive; `background` keeps them going."""

    invalidation: Invalidation
    prefetch: Prefetch
    events: EventQueue | None

    def background(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Give what must run for as long as the caches are used."""
        yield self.prefetch.run()
        if self.events is not None:
            yield self.events.run()

    def warnings(self) -> dict[str, str]:
        """Say what does not work, and does not keep the sidecar from being ready."""
        why = None if self.events is None else self.events.trouble()
        return {} if why is None else {"events queue": f"no events: {why}"}


def build_changes(
    config: Config, secrets: SecretGraph, replies: ReplyCache, clock: Clock
) -> Changes:
    """Connect the caches with whatever the configuration names.

    Args:
        config: the configuration, found consistent.
        secrets: the caches of values.
        replies: the cache of raw replies.
        clock: the clock.

    Raises:
        ConfigError: a region that SQS is not known in.

    """
    invalidation = Invalidation(secrets.secrets, secrets.parameters, replies)
    section = config.secrets
    prefetch = Prefetch(
        wanted(section.prefetch, section.prefetch_tags, matches),
        _PrefetchSource(secrets),
        secrets.secrets,
        clock,
        limits_of(section),
    )
    events = None
    if section.events_queue_url is not None:
        queue = _queue(section.events_queue_url, config, secrets.readers)
        events = EventQueue(queue, invalidation, clock)
    return Changes(invalidation, prefetch, events)


class _PrefetchSource:
    """Secrets Manager as the reader sees it that reads where no role is named."""

    def __init__(self, secrets: SecretGraph) -> None:
        self.reader = secrets.readers.default
        self._manager = secrets.manager
        self._readers = secrets.readers
        self._saw = secrets.saw

    async def batch(self, secret_ids: Sequence[str]) -> Batch[SecretValue]:
        """Read up to 20 secrets."""
        region = self.reader.region
        ask = partial(self._manager.batch_get_secret_value, secret_ids, region=region)
        batch = await self._readers.read(self.reader, ask)
        for value in batch.values.values():
            self._saw(self.reader, value)
        return batch

    async def list(self, wanted: SecretFilter) -> Sequence[ListedSecret]:
        """List the secrets that match."""
        ask = partial(self._manager.list_secrets, wanted, region=self.reader.region)
        return await self._readers.read(self.reader, ask)


class _OwnQueue:
    """The events queue, asked with the credentials that read secrets."""

    def __init__(self, queue: Queue, readers: SecretReaders) -> None:
        self._queue = queue
        self._readers = readers

    async def receive(self) -> Sequence[Message]:
        """Wait for messages."""
        return await self._readers.read(self._readers.default, self._queue.receive)

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete what was received."""
        await self._readers.read(self._readers.default, partial(self._queue.delete, messages))


def _queue(url: str, config: Config, readers: SecretReaders) -> _OwnQueue:
    region = region_of(url) or readers.default.region
    endpoint = partial(endpoint_of, aws=config.aws)
    try:
        endpoint("sqs", region)
    except ValueError as exc:
        problem = Problem("secrets.events_queue_url", str(exc), "check the region in the URL")
        raise ConfigError([problem]) from exc
    bundle = None if config.aws.ca_bundle is None else str(config.aws.ca_bundle)
    return _OwnQueue(Queue(url, region=region, endpoint_of=endpoint, ca_bundle=bundle), readers)
