"""What runs for as long as the sidecar does, beside the doors."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


class Background:
    """Tasks that live as long as the sidecar; one that fails breaks the sidecar, loudly."""

    def __init__(self) -> None:
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Begin work that ends only when cancelled; whoever wants it to end cancels the task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def start_all(self, works: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Begin several."""
        for work in works:
            self.start(work)

    async def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.broken.cancel()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        exc = None if task.cancelled() else task.exception()
        if exc is not None and not self.broken.done():
            self.broken.set_exception(exc)
