"""Notices to EventBridge and to SNS, with a role's credentials of the moment."""

from collections.abc import Awaitable, Callable
from typing import Any

from sidecar.aws.event_bus import EventBus
from sidecar.aws.topic import Topic
from sidecar.credentials import Credentials
from sidecar.notice import Notice
from sidecar.notify import chat, eventbridge

# Asks with a role's credentials; NotReady while there are none.
Ask = Callable[[Callable[[Credentials], Awaitable[Any]]], Awaitable[Any]]


class EventBridgeSink:
    """Puts notices on a bus.

    Args:
        bus: what takes them.
        name: the bus's name or ARN.
        ask: asks with credentials.

    """

    def __init__(self, bus: EventBus, name: str, ask: Ask) -> None:
        self._bus, self._name, self._ask = bus, name, ask

    async def send(self, notice: Notice) -> None:
        """Put it there once; errors as of `EventBus.put`."""
        entry = eventbridge.entry(notice, self._name)
        await self._ask(lambda held: self._bus.put(entry, held))


class SnsSink:
    """Publishes notices to a topic.

    Args:
        topic: what takes them.
        ask: asks with credentials.

    """

    def __init__(self, topic: Topic, ask: Ask) -> None:
        self._topic, self._ask = topic, ask

    async def send(self, notice: Notice) -> None:
        """Publish it once; errors as of `Topic.publish`."""
        message = chat.message(notice)
        attributes = {"kind": notice.kind.value, "severity": notice.severity.name.lower()}
        await self._ask(lambda held: self._topic.publish(message, attributes, held))
