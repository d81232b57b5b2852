"""How many requests of one app a door works on at the same time, so that none starves another."""

from collections.abc import Callable

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
        self._of: dict[str, int] = {}
        self._taken = 0

    def one_of(self, app: str) -> "Place":
        """Give the place of one request, taken for as long as a block lasts.

        Entering raises TooManyRequests when the app's own places and the common ones are taken.
        """
        return Place(self, app)

    def take(self, app: str) -> None:
        """Take a place for an app.

        Raises:
            TooManyRequests: the app's own places and the common ones are taken.

        """
        held = self._of.get(app, 0)
        if not self._has_room_for(held):
            raise TooManyRequests(
                f"app {app} has {held} requests under way, as many as it may",
                hint="ask again in a second",
            )
        self._of[app] = held + 1
        self._taken += 1

    def give_back(self, app: str) -> None:
        """Give a place back that was taken."""
        left = self._of.pop(app) - 1
        if left:
            self._of[app] = left
        self._taken -= 1

    def full(self) -> bool:
        """Whether every place is taken."""
        return self._taken >= self._most

    def _has_room_for(self, held: int) -> bool:
        if self.full() or held >= self._most_of_one:
            return False
        apps = max(1, self._apps())
        own = self._most // (2 * apps)
        if held < own:
            return True
        common = self._most - own * apps
        return sum(max(0, count - own) for count in self._of.values()) < common


class Place:
    """A place for as long as a block lasts; a generator would take ten times as long to make."""

    __slots__ = ("_app", "_shares")

    def __init__(self, shares: AppShares, app: str) -> None:
        self._shares = shares
        self._app = app

    def __enter__(self) -> None:
        self._shares.take(self._app)

    def __exit__(self, *_: object) -> None:
        self._shares.give_back(self._app)
