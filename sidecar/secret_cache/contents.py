"""What is held, within its limits: answers go in, what is unused for longest goes out."""

from collections.abc import Callable
from typing import Final, Generic

from sidecar.secret_cache.answer import Copy
from sidecar.secret_cache.catalogue import Catalogue
from sidecar.secret_cache.freshness import schedule
from sidecar.secret_cache.kind import Kind, Question, Value
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.line import Held
from sidecar.secret_cache.store import Store

# What a value takes beside its content and its bodies: its moments, and the ways to it.
_OVERHEAD: Final = 2048


class Contents(Generic[Question, Value]):
    """The catalogue of what is held, and the room that it takes.

    Args:
        kind: how questions and values are told apart.
        limits: how long and how much.
        jitter: random, 0 up to 1.

    """

    def __init__(
        self, kind: Kind[Question, Value], limits: Limits, jitter: Callable[[], float]
    ) -> None:
        self._kind = kind
        self._limits = limits
        self._jitter = jitter
        self.store: Store[Held[Question, Value]] = Store(
            limits.size, limits.max_bytes, self._evicted
        )
        self.lines: Catalogue[Question, Value] = Catalogue(kind, self.store.drop)

    def take_in(self, question: Question, value: Value, asked_at: float) -> Copy[Value]:
        """Hold an answer to a question in its canonical form, unless it is old or too large.

        Returns:
            The answer, ready to be served, held or not.

        """
        copy = self.copy(value)
        if not self._limits.ttl_seconds:
            return copy
        plan = schedule(asked_at, self._limits, jitter=self._jitter())
        held = self.lines.place(question, copy, plan)
        if held is None:
            return copy
        if held.copy is not copy:  # the same value as before, whose bodies are written already
            return held.copy
        copy.on_growth(lambda more: self._grew(held, copy, more))
        # Callers choose how long a question is; what it shows of itself is about as long.
        self.store.put(held, _OVERHEAD + len(repr(question)) + self._kind.size(value))
        return copy

    def copy(self, value: Value) -> Copy[Value]:
        """Make a value ready to be served without holding it."""
        return Copy(value, self._kind.agent_body, self._kind.api_body)

    def _grew(self, held: Held[Question, Value], copy: Copy[Value], more: int) -> None:
        if held.copy is copy:
            self.store.grow(held, more)

    def _evicted(self, held: Held[Question, Value]) -> None:
        for line in held.lines():
            self.lines.drop(line)
