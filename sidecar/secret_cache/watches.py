"""Who wants to be told when a value changes."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

from sidecar.secret_cache.answer import Answer
from sidecar.secret_cache.kind import Question, Value

log = logging.getLogger(__name__)

Listener = Callable[[Answer[Value]], None]


@dataclass(eq=False, slots=True)
class _Watch(Generic[Value]):
    listener: Listener[Value]
    told: Answer[Value] | None = None


class Watches(Generic[Question, Value]):
    """Listeners by question.

    Args:
        same: whether two values are one for a listener.

    """

    def __init__(self, same: Callable[[Value, Value], bool]) -> None:
        self._same = same
        self._watches: dict[Question, list[_Watch[Value]]] = {}
        self._failures: dict[Question, int] = {}

    def __contains__(self, question: Question) -> bool:
        return question in self._watches

    def __iter__(self) -> Iterator[Question]:
        return iter(list(self._watches))

    def any_of(self, questions: set[Question]) -> bool:
        """Whether anybody watches one of these."""
        return not self._watches.keys().isdisjoint(questions)

    def add(self, question: Question, listener: Listener[Value]) -> Callable[[], None]:
        """Tell `listener` of this question's answers; what is returned ends that."""
        watch = _Watch(listener)
        self._watches.setdefault(question, []).append(watch)

        def stop() -> None:
            watches = self._watches.get(question, [])
            if watch in watches:
                watches.remove(watch)
                if not watches:
                    del self._watches[question]
                    self._failures.pop(question, None)

        return stop

    def failed(self, question: Question) -> int:
        """Count another failure to read what is watched; returns how many it has been in a row."""
        count = self._failures[question] = self._failures.get(question, 0) + 1
        return count

    def tell(self, question: Question, answer: Answer[Value]) -> None:
        """Tell of an answer those who have not been told of the same value last."""
        self._failures.pop(question, None)
        for watch in list(self._watches.get(question, ())):
            if watch.told is not None and self._same(watch.told.value, answer.value):
                continue
            watch.told = answer
            try:
                watch.listener(answer)
            except Exception:  # one listener's bug is nobody else's
                log.exception("a listener to a change failed")
