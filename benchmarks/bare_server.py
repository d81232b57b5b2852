"""Servers that do nothing but answer: what a door could reach at best.

Run: python -m benchmarks.bare_server aiohttp|sockets PORT FILE. The file is a JSON object of paths
and bodies. ``sockets`` looks at no path, and answers the first body: the load generator's limit.
"""

import asyncio
import json
import sys
from pathlib import Path

from aiohttp import web


async def serve(kind: str, port: int, bodies: dict[str, bytes]) -> None:
    """Answer until somebody ends the process."""
    loop = asyncio.get_running_loop()
    if kind == "aiohttp":
        server = await loop.create_server(answers_of(bodies), "127.0.0.1", port)
    else:
        answer = _whole(next(iter(bodies.values())))
        server = await loop.create_server(lambda: _Fixed(answer), "127.0.0.1", port)
    await server.serve_forever()


def answers_of(bodies: dict[str, bytes]) -> web.Server:
    """Handlers that give each path its body."""

    async def handle(request: web.BaseRequest) -> web.Response:
        return web.Response(body=bodies[request.path_qs], content_type="application/json")

    return web.Server(handle, access_log=None)


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class _Fixed(asyncio.Protocol):
    """Answers whatever comes with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - for the type checker
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        del data
        if self._transport is not None:
            self._transport.write(self._answer)


def main() -> None:
    """Read the command line, and serve."""
    kind, port, file = sys.argv[1:]
    texts: dict[str, str] = json.loads(Path(file).read_text())
    asyncio.run(serve(kind, int(port), {path: text.encode() for path, text in texts.items()}))


if __name__ == "__main__":
    main()
