"""How many requests of the aws-api door are worked on at the same time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sidecar.web.aws_api.errors import ApiError

MOST: Final = 512
MOST_OF_ONE: Final = 64


class InFlight:
    """Counts requests, and turns away those that are too many; every SDK asks again later.

    A request counts until its answer is there, even if its client has left: its calls to AWS go on.

    Args:
        most: how many there may be.
        most_of_one: how many of them may be signed with the same session.

    """

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._of: Counter[str] = Counter()

    @contextmanager
    def one_of(self, access_key_id: str) -> Iterator[None]:
        """Count a request for as long as the block lasts.

        Raises:
            ApiError: there are too many (ThrottlingException).

        """
        if self._of[access_key_id] >= self._most_of_one or self._of.total() >= self._most:
            raise ApiError("ThrottlingException", "Rate exceeded: too many requests at once")
        self._of[access_key_id] += 1
        try:
            yield
        finally:
            self._of[access_key_id] -= 1
            if not self._of[access_key_id]:
                del self._of[access_key_id]
