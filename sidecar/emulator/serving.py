"""The listener's life: it starts, it can refuse connections for a while, and it stops."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final
from wsgiref.types import WSGIApplication

from sidecar.emulator.listener import Listener, open_socket

_POLL_SECONDS: Final = 0.05


class Serving:
    """An application on one address; after a break it listens on the same port again."""

    def __init__(
        self, application: WSGIApplication, host: str, port: int, tls: ssl.SSLContext | None
    ) -> None:
        self._application, self._host, self._tls = application, host, tls
        self.port = port
        self._start()

    def _start(self) -> None:
        self._socket = open_socket(self._host, self.port)
        self._listener = Listener(self._socket, self._application, self._tls)
        self.port = int(self._listener.port)
        self._thread = Thread(
            target=self._listener.serve_forever, args=(_POLL_SECONDS,), name="emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections; those that are open go on."""
        self._listener.shutdown()
        self._thread.join()
        self._socket.close()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse connections for a while, and end those that are open.

        Raises:
            ListenError: another program has taken the port meanwhile.
        """
        self.stop()
        self._listener.end_connections()
        try:
            yield
        finally:
            self._start()
