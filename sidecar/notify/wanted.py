"""Which notices a sink is for."""

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

    """

    kinds: frozenset[Kind] = EVERY_KIND
    minimum: Severity = Severity.INFO

    def passes(self, notice: Notice) -> bool:
        """Whether a notice is for the sink."""
        if notice.kind is Kind.TEST:
            return True
        return notice.kind in self.kinds and notice.severity >= self.minimum
