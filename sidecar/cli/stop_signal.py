"""The signals that end a program which else runs for ever."""

import asyncio
import signal


def stop_signal() -> "asyncio.Future[None]":
    """Return a future of the running loop that ends when SIGTERM or SIGINT comes."""
    loop = asyncio.get_running_loop()
    stopped = loop.create_future()

    def stop() -> None:
        if not stopped.done():
            stopped.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopped
