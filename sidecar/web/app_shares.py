"""How many requests of one app a door works on at the same time, so that none starves another."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sidecar.errors import TooManyRequests


class AppShares:
    """Counts each app's requests under way, and keeps places free for every other app.

    Half of a door's places are divided among the apps, each having its own; whoever comes first
    gets the other half. So an app alone can have nearly all of them, and several greedy ones leave
    each of the others its own.

    Args:
        most: how many places there are.
        apps: says how many apps there are at this moment.
        most_of_one: how many of the places one app may have at the most.

    """

    def __init__(
        self, most: int, apps: Callable[[], int], *, most_of_one: int | None = None
    ) -> None:
        self._most = most
        self._apps = apps
        self._most_of_one = most if most_of_one is None else most_of_one
        self._of: Counter[str] = Counter()

    @contextmanager
    def one_of(self, app: str) -> Iterator[None]:
        """Count a request for as long as the block lasts.

        Raises:
            TooManyRequests: the app's own places and the common ones are taken.

        """
        if not self._has_room_for(app):
            raise TooManyRequests(
                f"app {app} has {self._of[app]} requests under way, as many as it may",
                hint="ask again in a second",
            )
        self._of[app] += 1
        try:
            yield
        finally:
            self._of[app] -= 1
            if not self._of[app]:
                del self._of[app]

    def full(self) -> bool:
        """Whether every place is taken."""
        return self._of.total() >= self._most

    def _has_room_for(self, name: str) -> bool:
        if self.full() or self._of[name] >= self._most_of_one:
            return False
        apps = max(1, self._apps())
        own = self._most // (2 * apps)
        if self._of[name] < own:
            return True
        common = self._most - own * apps
        return sum(max(0, count - own) for count in self._of.values()) < common
