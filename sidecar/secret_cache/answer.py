"""What a cache gives: a value, the bytes that will be sent, and how old they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

State = Literal["hit", "miss", "stale"]
Value = TypeVar("Value")
Render = Callable[[Value], bytes]


class Copy(Generic[Value]):
    """One value that AWS gave and its bodies, each written when it is first sent and then kept.

    Args:
        value: what AWS gave.
        agent: writes the body of the secrets door.
        api: writes the body of AWS's own API.

    """

    __slots__ = ("_agent", "_agent_body", "_api", "_api_body", "_grew", "value")

    def __init__(self, value: Value, agent: Render[Value], api: Render[Value]) -> None:
        self.value = value
        self._agent = agent
        self._api = api
        self._grew: Callable[[int], None] = _nobody
        self._agent_body: bytes | None = None
        self._api_body: bytes | None = None

    def on_growth(self, grew: Callable[[int], None]) -> None:
        """Tell `grew` by how many bytes a body makes this larger."""
        self._grew = grew

    @property
    def agent_body(self) -> bytes:
        """The body of the secrets door."""
        if self._agent_body is None:
            self._agent_body = self._agent(self.value)
            self._grew(len(self._agent_body))
        return self._agent_body

    @property
    def api_body(self) -> bytes:
        """The body of AWS's own API."""
        if self._api_body is None:
            self._api_body = self._api(self.value)
            self._grew(len(self._api_body))
        return self._api_body


def _nobody(_: int) -> None:
    """Do without being told."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """An answer to one read.

    Args:
        copy: the value and its bodies; nothing of it is shown by ``repr``.
        age_seconds: whole seconds since AWS was asked for it.
        state: ``hit`` is fresh from memory, ``miss`` has just come from AWS, ``stale`` is past its
            time, or AWS could not be asked although the caller insisted.

    """

    copy: Copy[Value] = field(repr=False)
    age_seconds: int
    state: State

    @property
    def value(self) -> Value:
        """What AWS gave."""
        return self.copy.value

    @property
    def agent_body(self) -> bytes:
        """The body of the secrets door, which is AWS's own agent's or extension's."""
        return self.copy.agent_body

    @property
    def api_body(self) -> bytes:
        """The body that AWS's own JSON API would answer."""
        return self.copy.api_body
