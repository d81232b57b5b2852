"""Clients of boto3's, one for each set of credentials and region, kept for the next call."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, Final

from sidecar.credentials import Credentials

_Key = tuple[Credentials, str]
Make = Callable[[Credentials, str], Any]


class KeptClients:
    """Gives clients to threads; making one takes tens of milliseconds, and happens once.

    A client that goes is closed: it lets go of the connections that are idle, and calls that are
    still under way end as they would.

    Args:
        make: makes a client for credentials and a region.
        size: how many are kept; the one unused for longest goes.

    """

    def __init__(self, make: Make, size: int) -> None:
        self._make = make
        self._size: Final = size
        self._lock: Final = Lock()
        self._clients: Final[OrderedDict[_Key, Future[Any]]] = OrderedDict()

    def get(self, credentials: Credentials, region: str) -> Any:
        """Give the client; threads that want the same one wait until the first has made it.

        Raises:
            Exception: what `make` raises; the next call tries again.

        """
        client, is_mine = self._place_of(credentials, region)
        if is_mine:
            try:
                client.set_result(self._make(credentials, region))
            except BaseException as exc:  # noqa: BLE001 - raised below, for every thread
                self._forget(client)
                client.set_exception(exc)
        return client.result()

    def _place_of(self, credentials: Credentials, region: str) -> tuple["Future[Any]", bool]:
        """Give where a client is or will be, and whether the caller is the one to make it."""
        key = (credentials, region)
        with self._lock:
            held = self._clients.get(key)
            if held is not None:
                self._clients.move_to_end(key)
                return held, False
            mine = self._clients[key] = Future[Any]()
            gone = self._take_out(credentials)
        for each in gone:
            each.add_done_callback(_close)
        return mine, True

    def _take_out(self, newest: Credentials) -> list["Future[Any]"]:
        """Drop what is too many, and whatever had expired when the newest set was issued."""
        expired = [key for key in self._clients if key[0].expires_at <= newest.issued_at]
        living = [key for key in self._clients if key not in expired]
        return [self._clients.pop(key) for key in (*expired, *living[: -self._size])]

    def _forget(self, client: "Future[Any]") -> None:
        with self._lock:
            for key in [key for key, held in self._clients.items() if held is client]:
                del self._clients[key]


def _close(client: "Future[Any]") -> None:
    if client.exception() is None:
        client.result().close()
