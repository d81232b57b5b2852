"""Which notices a sink is for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sidecar.notice import Kind, Notice, Severity

EVERY_KIND: Final = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What passes: these kinds, from this severity on; a test passes always.

    Args:
        kinds: the kinds.
        minimum: the least severity.
        about: whether what a notice is about is wanted.

    """

    kinds: frozenset[Kind] = EVERY_KIND
    minimum: Severity = Severity.INFO
    about: Callable[[Notice], bool] = lambda _: True

    def passes(self, notice: Notice) -> bool:
        """Whether a notice is for the sink."""
        if notice.kind is Kind.TEST:
            return True
        if notice.kind not in self.kinds or notice.severity < self.minimum:
            return False
        return self.about(notice)
