"""The listening socket: threads, TLS, header lines kept as they came, and silence."""

import logging
import socket
import ssl
import struct
from contextlib import suppress
from threading import Lock
from typing import Any, Final
from wsgiref.types import WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from sidecar.emulator.request import HEADERS_KEY
from sidecar.errors import ListenError

_log = logging.getLogger(__name__)
# A burst of this many connections waits for its turn instead of being dropped.
_BACKLOG = 2048
_CLIENT_TIMEOUT_SECONDS = 60
# With SO_LINGER on and zero seconds, closing sends RST instead of what is left and FIN.
_RESETS: Final = struct.pack("ii", 1, 0)


class Handler(MotoRequestHandler):  # type: ignore[misc]  # moto gives no types to subclass
    """Hands the header lines on unmerged, and writes no access log."""

    timeout = _CLIENT_TIMEOUT_SECONDS
    protocol_version = "HTTP/1.1"

    def make_environ(self) -> WSGIEnvironment:
        """Add what a WSGI environment leaves out: header lines, and the target undecoded."""
        environ: WSGIEnvironment = super().make_environ()
        environ[HEADERS_KEY] = tuple((key, str(value)) for key, value in self.headers.items())
        return environ

    def handle_expect_100(self) -> bool:
        """Leave ``100 Continue`` to the WSGI layer, which sends it too; once is enough."""
        return True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - inherited name
        """Write nothing: counts are at ``/_emulator/calls``, failures log themselves."""


class Listener(ThreadedWSGIServer):
    """One thread per connection; the TLS handshake happens there, not in the accepting thread."""

    daemon_threads = True

    def __init__(
        self, listening: socket.socket, application: WSGIApplication, tls: ssl.SSLContext | None
    ) -> None:
        host, port = listening.getsockname()[:2]
        super().__init__(host, port, application, Handler, fd=listening.fileno())
        self.ssl_context = tls
        self._open: set[socket.socket] = set()
        self._lock = Lock()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        if self.ssl_context is None:
            self._serve(request, client_address)
            return
        request.settimeout(_CLIENT_TIMEOUT_SECONDS)
        with self.ssl_context.wrap_socket(request, server_side=True) as wrapped:
            self._serve(wrapped, client_address)

    def _serve(self, connection: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            super().finish_request(connection, client_address)
        finally:
            with self._lock:
                self._open.discard(connection)

    def end_connections(self) -> None:
        """End every open connection, whatever it is waiting for."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; one that is to be reset without the farewell of others."""
        if request.fileno() >= 0 and _is_reset(request):
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        """A client that went away or failed its handshake is its own business."""
        _log.debug("connection from %s failed", client_address, exc_info=True)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - inherited name
        """Pass on what werkzeug calls an error, nothing else."""
        if type == "error":
            _log.error(message, *args)


def reset_connection(connection: socket.socket) -> None:
    """Let a connection end in a reset as soon as its handler is done."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)
    # The handler finds nothing more to read, and leaves.
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RD)


def _is_reset(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_RESETS)) == _RESETS


def open_socket(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 picks a free one.

    Raises:
        ListenError: the name does not resolve, or the address cannot be had.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        opened = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise ListenError(
            f"cannot resolve {host}", hint="give an address of this machine, such as 127.0.0.1"
        ) from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        raise ListenError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="stop the program that uses this port, or choose another with --port (0: any)",
        ) from error
    return opened
