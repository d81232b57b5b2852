"""Many denials of one app within a minute, told from the few that always happen."""

from collections import deque
from typing import Final

# So many within so many seconds are a burst, and the next one is news only after the pause.
MOST: Final = 20
WITHIN_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 900.0


class Denials:
    """Notices when denials come in a burst.

    Apps are those of the configuration; whoever is none of them counts as one app without a name,
    so that no caller can make this grow.
    """

    def __init__(self) -> None:
        self._last: dict[str, deque[float]] = {}
        self._quiet_until: dict[str, float] = {}

    def seen(self, app: str, elapsed: float) -> bool:
        """Take in a denial, and say whether a burst is to be told of.

        Args:
            app: who was denied; empty for nobody that is known.
            elapsed: when, in seconds that only go up.

        """
        last = self._last.setdefault(app, deque(maxlen=MOST))
        last.append(elapsed)
        burst = len(last) == MOST and elapsed - last[0] <= WITHIN_SECONDS
        if not burst or elapsed < self._quiet_until.get(app, 0.0):
            return False
        self._quiet_until[app] = elapsed + QUIET_SECONDS
        return True
