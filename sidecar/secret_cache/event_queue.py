"""Learning of changes from a queue: events are taken, what they name is read again."""

import asyncio
import logging
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from sidecar.aws.queue import Message
from sidecar.clock import Clock
from sidecar.errors import SidecarError
from sidecar.secret_cache.events import read_event
from sidecar.secret_cache.pauses import pause_after

log = logging.getLogger(__name__)

# SQS and EventBridge may both deliver an event twice, minutes apart.
_EVENTS_REMEMBERED: Final = 1000
# A queue that answers at once that it is empty does not wait as it was asked to.
_SHORTEST_EMPTY_POLL_SECONDS: Final = 1.0
# A queue that works now and then must not make the sidecar read everything each time.
_BETWEEN_FULL_REFRESHES_SECONDS: Final = 60.0


class Queue(Protocol):
    """A queue that nobody else takes messages from."""

    async def receive(self) -> Sequence[Message]:
        """Wait for messages, about 20 seconds at most; none is an answer too.

        Raises:
            SidecarError: the queue could not be asked.

        """
        ...

    async def delete(self, messages: Sequence[Message]) -> None:
        """Keep messages from being received again.

        Raises:
            SidecarError: they may all come again.

        """
        ...


class Changed(Protocol):
    """Who is told what has changed."""

    def secret(self, secret_id: str) -> int:
        """Read a secret again; count the entries."""
        ...

    def parameter(self, name: str) -> int:
        """Read a parameter again; count the entries."""
        ...

    def whatever_changed(self) -> int:
        """Read all again that is held, as word may have been missed; count the entries."""
        ...


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """How the polling goes.

    Args:
        last_success: when the queue was last asked with success.
        last_error: why the last poll that failed did.
        failures: how many polls have failed since the last success.
        messages: how many messages have been handled.

    """

    last_success: datetime | None = None
    last_error: str = ""
    failures: int = 0
    messages: int = 0


class EventQueue:
    """Polls a queue for ever and passes on what its messages say.

    A message is deleted once it has been handled, whatever it was about: the queue is this
    sidecar's own. After failed polls events may have been lost, so all that is held is read again
    as soon as polls succeed.

    Args:
        queue: where messages come from.
        changed: whom to tell.
        clock: the clock.
        jitter: gives a random number from 0 up to 1.

    """

    def __init__(
        self,
        queue: Queue,
        changed: Changed,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._queue = queue
        self._changed = changed
        self._clock = clock
        self._jitter = jitter
        self._status = QueueStatus()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._refresh_owed = True
        self._refreshed_at = -math.inf

    @property
    def status(self) -> QueueStatus:
        """How the polling goes at this moment."""
        return self._status

    def trouble(self) -> str | None:
        """Say why no events arrive; None when the last poll succeeded, or was the first."""
        return self._status.last_error if self._status.failures else None

    async def run(self) -> None:
        """Poll for ever; ends only when cancelled."""
        self._refresh_if_owed()
        while True:
            pause = await self._poll()
            if pause:
                await self._clock.sleep(pause)
            else:
                await asyncio.sleep(0)  # however fast messages come, others get their turn

    async def _poll(self) -> float:
        """Poll once and give the seconds to pause."""
        began = self._clock.elapsed()
        try:
            messages = await self._queue.receive()
            if messages:
                self._handle(messages)
                await self._queue.delete(messages)
        except SidecarError as exc:
            return self._failed(exc.message, exc.hint)
        except Exception as exc:  # a bug must not end the polling
            log.exception("polling the events queue failed unexpectedly")
            return self._failed(f"unexpected {type(exc).__name__}; see the log")
        self._succeeded(len(messages))
        waited = self._clock.elapsed() - began
        return 0 if messages else max(_SHORTEST_EMPTY_POLL_SECONDS - waited, 0)

    def _handle(self, messages: Sequence[Message]) -> None:
        """Tell what has changed: once for all events of a batch that name the same."""
        said = [read_event(message.body) for message in messages]
        changes = [change for change in said if change.event_id not in self._seen]
        secrets = {change.secret_id for change in changes if change.secret_id is not None}
        parameters = {change.parameter for change in changes if change.parameter is not None}
        entries = sum(map(self._changed.secret, secrets))
        entries += sum(map(self._changed.parameter, parameters))
        for change in changes:
            self._remember(change.event_id)
        log.info(
            "events queue: %d messages name %d secrets and %d parameters; %d entries read again",
            len(messages),
            len(secrets),
            len(parameters),
            entries,
        )

    def _remember(self, event_id: str | None) -> None:
        if event_id is not None:
            self._seen[event_id] = None
            if len(self._seen) > _EVENTS_REMEMBERED:
                self._seen.popitem(last=False)

    def _succeeded(self, messages: int) -> None:
        if self._status.failures:
            log.warning("events queue: recovered after %d failures", self._status.failures)
        self._status = replace(
            self._status,
            last_success=self._clock.now(),
            failures=0,
            messages=self._status.messages + messages,
        )
        self._refresh_if_owed()

    def _failed(self, reason: str, hint: str = "") -> float:
        before = self._status
        self._refresh_owed = True
        self._status = replace(before, last_error=reason, failures=before.failures + 1)
        pause = pause_after(self._status.failures, jitter=self._jitter())
        news = not before.failures or reason != before.last_error
        log.log(
            logging.WARNING if news else logging.DEBUG,
            "events queue: no events: %s%s; values are renewed by their time alone; "
            "next attempt in %.0f s",
            reason,
            f" (hint: {hint})" if hint else "",
            pause,
        )
        return pause

    def _refresh_if_owed(self) -> None:
        now = self._clock.elapsed()
        if self._refresh_owed and now >= self._refreshed_at + _BETWEEN_FULL_REFRESHES_SECONDS:
            self._refresh_owed, self._refreshed_at = False, now
            self._changed.whatever_changed()
