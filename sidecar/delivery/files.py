"""All delivered files: kept side by side, so that none waits for another."""

import asyncio
from collections.abc import Callable, Sequence

from sidecar.aws.reader import Reader
from sidecar.clock import Clock
from sidecar.delivery.delivered_file import DeliveredFile
from sidecar.delivery.prepare import PreparedFile
from sidecar.delivery.values import Values


class DeliveredFiles:
    """The files of the configuration.

    Args:
        files: what is written where.
        reader_of: gives whose credentials read for a role's name, None being the usual one.
        values: the caches.
        clock: measures the pauses.

    """

    def __init__(
        self,
        files: Sequence[PreparedFile],
        reader_of: Callable[[str | None], Reader],
        values: Values,
        clock: Clock,
    ) -> None:
        self._files = [DeliveredFile(each, reader_of(each.via), values, clock) for each in files]

    def __len__(self) -> int:
        return len(self._files)

    def pending(self) -> dict[str, str]:
        """Say which files have not been written since the start, and why."""
        whys = ((f"file {each.path}", each.pending) for each in self._files)
        return {name: why for name, why in whys if why is not None}

    async def run(self) -> None:
        """Keep every file for ever; ends only when cancelled, or at once where there are none."""
        async with asyncio.TaskGroup() as group:
            for each in self._files:
                group.create_task(each.run())
