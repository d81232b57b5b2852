"""How many requests of the aws-api door are worked on at the same time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from sidecar.access.policy import App
from sidecar.access.shared_role import RoleHolders
from sidecar.errors import TooManyRequests
from sidecar.web.app_shares import AppShares
from sidecar.web.aws_api.errors import ApiError

MOST: Final = 512
MOST_OF_ONE: Final = 64


class InFlight:
    """Counts requests, and turns away those that are too many; every SDK asks again later.

    A request counts until its answer is there, even if its client has left: its calls to AWS go on.
    However many sessions an app has, they are one caller; so are those that share a session.

    Args:
        apps: gives every app of this moment.
        most: how many there may be.
        most_of_one: how many of them may be one caller's.

    """

    def __init__(
        self,
        apps: Callable[[], Sequence[App]],
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
    ) -> None:
        self._shares = AppShares(most, lambda: _callers(apps()), most_of_one=most_of_one)

    @contextmanager
    def one_of(self, holders: RoleHolders) -> Iterator[None]:
        """Count a request for as long as the block lasts.

        Raises:
            ApiError: there are too many (ThrottlingException).

        """
        with ExitStack() as place:
            try:
                place.enter_context(self._shares.one_of(str(holders)))
            except TooManyRequests:
                message = "Rate exceeded: too many requests at once"
                raise ApiError("ThrottlingException", message) from None
            yield


def _callers(apps: Sequence[App]) -> int:
    """Count the callers that there can be: each app, and of each role those who share it."""
    holders = Counter(role for app in apps for role in set(app.roles))
    return len(apps) + sum(count > 1 for count in holders.values())
