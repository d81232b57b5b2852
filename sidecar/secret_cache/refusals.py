"""What AWS refused a moment ago, so that those who insist do not all ask it again."""

from collections.abc import Callable
from typing import Final, Generic

from sidecar.errors import SidecarError
from sidecar.secret_cache.freshness import NEGATIVE_SECONDS
from sidecar.secret_cache.kind import Question

_MOST: Final = 1000


class Refusals(Generic[Question]):
    """Refusals by question, each for a few seconds."""

    def __init__(self) -> None:
        self._until: dict[Question, tuple[SidecarError, float]] = {}

    def note(
        self,
        question: Question,
        error: SidecarError,
        now: float,
        seconds: float = NEGATIVE_SECONDS,
    ) -> None:
        """Remember a refusal, and forget those whose time is over; of very many, the oldest."""
        self._until.pop(question, None)
        self._until[question] = error, now + seconds
        for over in [each for each, (_, until) in self._until.items() if until <= now]:
            del self._until[over]
        while len(self._until) > _MOST:
            del self._until[next(iter(self._until))]

    def check(self, question: Question, now: float) -> None:
        """Raise what AWS answered to a question a moment ago, if it refused.

        Raises:
            SidecarError: that.

        """
        found = self._until.get(question)
        if found is None:
            return
        error, until = found
        if now < until:
            raise error.with_traceback(None)
        del self._until[question]

    def forget(self, concerns: Callable[[Question], bool]) -> None:
        """Let AWS be asked again about some questions."""
        for question in [each for each in self._until if concerns(each)]:
            del self._until[question]
