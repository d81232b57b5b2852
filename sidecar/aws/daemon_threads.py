"""Blocking calls in threads that the interpreter does not wait for at its end."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_Result = TypeVar("_Result")


class DaemonThreads:
    """Runs blocking calls, a few at a time.

    Args:
        limit: how many calls may run at a time.

    """

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)

    async def run(self, call: Callable[[], _Result]) -> _Result:
        """Run a call in a thread; cancelling stops the waiting, not the call.

        A call that nobody waits for any more still counts as running until it has ended.
        """
        await self._free.acquire()
        return await run_in_daemon_thread(call, self._free.release)


async def run_in_daemon_thread(
    call: Callable[[], _Result], at_the_end: Callable[[], None]
) -> _Result:
    """Run a call in a thread of its own; cancelling stops the waiting, not the call.

    The workers of concurrent.futures are joined when the interpreter ends: a call that hangs would
    keep a stopped program alive until the call's own timeout.

    Args:
        call: what to run.
        at_the_end: called in the event loop once the call has ended, waited for or not.

    """
    loop = asyncio.get_running_loop()

    def tell(_: "Future[_Result]") -> None:
        # The loop may have ended before the call did: then nobody cares any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(at_the_end)

    future: Future[_Result] = Future()
    future.add_done_callback(tell)
    future.set_running_or_notify_cancel()
    try:
        Thread(target=_settle, args=(call, future), daemon=True).start()
    except RuntimeError as exc:  # the machine has no thread left
        future.set_exception(exc)
    return await asyncio.wrap_future(future)


def _settle(call: Callable[[], _Result], future: "Future[_Result]") -> None:
    try:
        result = call()
    except BaseException as exc:  # noqa: BLE001 - handed on to whoever waits
        future.set_exception(exc)
    else:
        future.set_result(result)
