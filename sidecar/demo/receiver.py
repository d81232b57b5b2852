"""A receiver on loopback of what a chat application would be sent."""

import json
import queue
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_LONGEST: Final = 1_000_000
_CONFIRM_SECONDS: Final = 5


class Receiver:
    """What has come, in order; `url` is where to send it."""

    def __init__(self, url: str, arrived: "queue.SimpleQueue[dict[str, Any]]") -> None:
        self.url = url
        self._arrived = arrived

    def next(self, seconds: float) -> dict[str, Any] | None:
        """Wait for one more; None when nothing comes in time."""
        try:
            return self._arrived.get(timeout=seconds)
        except queue.Empty:
            return None

    def forget(self) -> None:
        """Take no notice of what has come so far."""
        while self.next(0.001) is not None:
            pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port of loopback until the block ends."""
    arrived: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", 0)), _LONGEST)
            message = json.loads(self.rfile.read(length))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
            if message.get("Type") == "SubscriptionConfirmation":
                _confirm(message["SubscribeURL"])
            else:
                arrived.put(message)

        def log_message(self, *_: object) -> None:
            """Say nothing: the demo shows what matters."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Receiver(f"http://127.0.0.1:{server.server_port}/", arrived)
        finally:
            server.shutdown()


def _confirm(url: str) -> None:
    """Tell SNS that its messages are wanted, as it asks for before the first (SNS guide)."""
    if url.startswith("http://127.0.0.1:"):
        with urllib.request.urlopen(url, timeout=_CONFIRM_SECONDS):  # noqa: S310 - loopback
            pass
