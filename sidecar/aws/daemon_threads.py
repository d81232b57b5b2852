"""Blocking calls in threads that the interpreter does not wait for at its end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_Result = TypeVar("_Result")


class DaemonThreads:
    """Runs blocking calls, a few at a time.

    The workers of concurrent.futures are joined when the interpreter ends: a call that hangs would
    keep a stopped program alive until the call's own timeout.

    Args:
        limit: how many calls may run at a time.

    """

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)

    async def run(self, call: Callable[[], _Result]) -> _Result:
        """Run a call in a thread; cancelling stops the waiting, not the call."""
        async with self._free:
            future: Future[_Result] = Future()
            Thread(target=_settle, args=(call, future), daemon=True).start()
            return await asyncio.wrap_future(future)


def _settle(call: Callable[[], _Result], future: "Future[_Result]") -> None:
    future.set_running_or_notify_cancel()
    try:
        result = call()
    except BaseException as exc:  # noqa: BLE001 - handed on to whoever waits
        future.set_exception(exc)
    else:
        future.set_result(result)
