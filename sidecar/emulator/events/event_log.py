"""A record of the latest events, and of what became of each."""

from collections import deque
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Final

from sidecar.emulator.events.event import Event

_KEPT: Final = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """An attempt to hand something on; `problem` is empty when it arrived.

    `sender` is the ARN of a rule or a topic, `receiver` that of a target or a subscription: an
    address may itself be a secret, as a chat application's is.
    """

    sender: str
    receiver: str
    problem: str = ""


class EventLog:
    """The latest five hundred events, oldest first; safe to use from many threads."""

    def __init__(self) -> None:
        self._events: deque[tuple[Event, list[Delivery]]] = deque(maxlen=_KEPT)
        self._notifications: deque[Delivery] = deque(maxlen=_KEPT)
        self._counts = {"delivered": 0, "failed": 0, "not_recorded": 0}
        self._lock = Lock()

    def add(self, event: Event) -> None:
        """Keep one more."""
        with self._lock:
            self._events.append((event, []))

    def delivered(self, event: Event, delivery: Delivery) -> None:
        """Note what became of an event at one target."""
        with self._lock:
            self._count(delivery)
            for kept, deliveries in reversed(self._events):
                if kept is event:
                    deliveries.append(delivery)

    def notified(self, delivery: Delivery) -> None:
        """Note what became of a topic's message at one subscription."""
        with self._lock:
            self._count(delivery)
            self._notifications.append(delivery)

    def not_recorded(self) -> None:
        """Count something that CloudTrail would have told, had there been a trail."""
        with self._lock:
            self._counts["not_recorded"] += 1

    def described(self) -> dict[str, Any]:
        """All of it, as the control route shows it."""
        with self._lock:
            events = [
                {**event.described(), "deliveries": [asdict(each) for each in deliveries]}
                for event, deliveries in self._events
            ]
            notifications = [asdict(each) for each in self._notifications]
            return {**self._counts, "events": events, "notifications": notifications}

    def clear(self) -> None:
        """Forget everything, and count from nothing."""
        with self._lock:
            self._events.clear()
            self._notifications.clear()
            self._counts = dict.fromkeys(self._counts, 0)

    def _count(self, delivery: Delivery) -> None:
        self._counts["failed" if delivery.problem else "delivered"] += 1
