"""Ending a connection whose client still sends, so that the client gets to read the answer.

A socket that is closed with something unread in it, or that something reaches later, is reset, and
a client that is sending hears of that and not of the answer (RFC 9112 section 9.6).
"""

import asyncio
from contextlib import suppress

from aiohttp import web


class LingeringHandler(web.RequestHandler):
    """A connection that can throw away what follows a request that could not be parsed.

    aiohttp itself does so for bodies alone. Who goes on sending gains nothing: the connection is
    idle for a full door, which drops it, and ends after some bytes or a short time.
    """

    __slots__ = ("_linger_seconds", "_over", "_room")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; nothing is thrown away yet."""
        self._over: asyncio.Event | None = None
        super().connection_made(transport)

    def linger(self, seconds: float, most_bytes: int) -> None:
        """Let the answer that follows be the last, and what the client still sends be thrown away.

        Args:
            seconds: for how long after the answer.
            most_bytes: how much of it.

        """
        self._over = asyncio.Event()
        self._linger_seconds, self._room = seconds, most_bytes

    def data_received(self, data: bytes) -> None:
        """Parse what has come, or throw it away."""
        if self._over is None:
            super().data_received(data)
            return
        self._room -= len(data)
        if self._room < 0:
            self._over.set()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End, and wait for nothing more."""
        if self._over is not None:
            self._over.set()
        super().connection_lost(exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; the last one is followed by the end of the stream, and by waiting."""
        finished = await super().finish_response(request, resp, start_time)
        transport = self.transport
        if self._over is not None and transport is not None and not transport.is_closing():
            with suppress(OSError):  # the client has gone since it was answered
                transport.write_eof()
            # Paused, if the parser had found more than it hands on at a time.
            transport.resume_reading()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._linger_seconds):
                    await self._over.wait()
        return finished
