"""Who has to go when a door holds as many connections as it may."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

_C = TypeVar("_C", bound=Hashable)


class Admission(Generic[_C]):
    """Keeps count of a door's connections; a full door gives up the one idle for longest.

    The newest is let in rather than turned away, because idle connections cost nothing: whoever
    held all of them, without any token, would lock everybody else out. This way a flood must push
    `most` connections through the door in the instant between an application's connect and its
    request, and no number of them ends a request that is being worked on. All others count as
    idle: one that sends its head slowly, or does not read its answer, may go as well.

    Args:
        most: how many connections there may be.

    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Kept in the order in which they became idle.
        self._idle: dict[_C, None] = {}
        self._working: set[_C] = set()

    def enter(self, newest: _C) -> _C | None:
        """Let a connection in; return the one to close for it: itself, if all others work."""
        self._idle[newest] = None
        if len(self._idle) + len(self._working) <= self._most:
            return None
        leaving = next(iter(self._idle))
        del self._idle[leaving]
        return leaving

    def leave(self, connection: _C) -> None:
        """Count a connection no longer; one that has gone already is no error."""
        self._idle.pop(connection, None)
        self._working.discard(connection)

    @contextmanager
    def working(self, connection: _C) -> Iterator[None]:
        """Keep a connection from being given up while its request is worked on."""
        if connection in self._idle:
            del self._idle[connection]
            self._working.add(connection)
        try:
            yield
        finally:
            # It may have left meanwhile.
            if connection in self._working:
                self._working.remove(connection)
                self._idle[connection] = None
