"""One file's life: filled once all its values are there, written when they change."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Final

from sidecar.aws.reader import Reader
from sidecar.clock import Clock
from sidecar.delivery.content import content
from sidecar.delivery.kept_file import KeptFile
from sidecar.delivery.prepare import PreparedFile
from sidecar.delivery.reference import Reference
from sidecar.delivery.values import HeldValue, Values
from sidecar.errors import OperatorError, SidecarError
from sidecar.file_target import remove_leftovers
from sidecar.redaction import Secret

log = logging.getLogger(__name__)

# How soon a file that somebody else has changed or removed is written again.
LOOK_EVERY_SECONDS: Final = 10.0


class DeliveredFile:
    """Keeps one file equal to what its template makes of the values at AWS.

    A value that cannot be had, or lacks its JSON key, leaves the file as it is: good content is
    never replaced by worse. That goes for the whole of it: while one new value cannot be used, the
    others do not go in either, since they may belong together.

    Args:
        file: what is written where.
        reader: whose credentials read the values.
        values: the caches.
        clock: measures the pauses.

    """

    def __init__(self, file: PreparedFile, reader: Reader, values: Values, clock: Clock) -> None:
        self._file = file
        self._kept = KeptFile(file.target)
        self._reader = reader
        self._values = values
        self._clock = clock
        self._held: dict[Reference, Secret] = {}
        self._missing = {each: f"{each}: not read yet" for each in file.template.references}
        self._unusable: dict[Reference, str] = {}
        self._whole: Secret | None = None
        self._due = asyncio.Event()
        self._changed = asyncio.Event()
        self._written_once = False
        self._failure = ""

    @property
    def path(self) -> str:
        """Where it is written."""
        return str(self._file.target.path)

    @property
    def pending(self) -> str | None:
        """Why it has not been written since the start; None once it has."""
        if self._written_once:
            return None
        whys = (*self._missing.values(), *self._unusable.values(), self._failure)
        return next(filter(None, whys), "not written yet")

    async def run(self) -> None:
        """Keep the file for ever; ends only when cancelled."""
        await asyncio.to_thread(remove_leftovers, self._file.target)
        self._due.set()
        stops: list[Callable[[], None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write_when_due())
                group.create_task(self._look_again())
                group.create_task(self._tell_of_changes())
                for reference in self._file.template.references:
                    stops.append(self._watch(reference))
                    group.create_task(self._read_first(reference))
        finally:
            for stop in stops:
                stop()

    def _watch(self, reference: Reference) -> Callable[[], None]:
        def arrived(held: HeldValue) -> None:
            self._arrived(reference, held)

        return self._values.watch(self._reader, reference.query, arrived)

    def _arrived(self, reference: Reference, held: HeldValue) -> None:
        self._missing.pop(reference, None)
        try:
            self._held[reference] = content(reference, held.value)
        except OperatorError as exc:
            if self._unusable.get(reference) != exc.message:
                log.error("file %s: it stays as it is: %s", self.path, exc.message)  # noqa: TRY400 - no traceback near a value
            self._unusable[reference] = exc.message
            return
        self._unusable.pop(reference, None)
        self._due.set()

    async def _read_first(self, reference: Reference) -> None:
        """Read a value until AWS gives it, and say why it does not; later the watch tells."""
        for pause in _pauses():
            try:
                held = await self._values.get(self._reader, reference.query)
            except SidecarError as exc:
                why = exc.message
            except Exception as exc:  # noqa: BLE001 - a bug must not end the other files
                why = f"unexpected {type(exc).__name__}"
            else:
                if reference in self._missing:
                    self._arrived(reference, held)
                return
            if reference not in self._missing:
                return
            self._missing[reference] = f"{reference}: {why}"
            log.warning("file %s: %s was not read: %s", self.path, reference, why)
            await self._clock.sleep(pause)

    async def _look_again(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY_SECONDS)
            self._due.set()

    async def _write_when_due(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                if not self._missing and not self._unusable:
                    self._whole = self._file.template.filled(self._held)
                if self._whole is None:
                    continue
                changed = await asyncio.to_thread(self._kept.bring_up_to_date, self._whole)
            except OperatorError as exc:
                self._failed(exc.message)
            except OSError as exc:
                self._failed(f"cannot be written: {exc.strerror}")
            except Exception as exc:  # noqa: BLE001 - a bug must not end the other files
                self._failed(f"unexpected {type(exc).__name__}")
            else:
                self._succeeded(changed=changed)

    def _failed(self, why: str) -> None:
        """Say so once; it is tried again at the next look."""
        if why != self._failure:
            log.error("file %s: it stays as it is: %s", self.path, why)
        self._failure = why

    def _succeeded(self, *, changed: bool) -> None:
        self._failure = ""
        self._written_once = True
        if changed:
            log.info("file %s: written", self.path)
            self._changed.set()

    async def _tell_of_changes(self) -> None:
        action = self._file.action
        if action is None:
            return
        while True:
            await self._changed.wait()
            await self._clock.sleep(self._file.debounce_seconds)
            self._changed.clear()
            try:
                await action.take(self._clock)
            except OperatorError as exc:
                why = exc.message
            except Exception as exc:  # noqa: BLE001 - a bug must not end the other files
                why = f"unexpected {type(exc).__name__}"
            else:
                log.info("file %s: done after the change: %s", self.path, action)
                continue
            log.error("file %s: %s; it is tried at the next change", self.path, why)


def _pauses() -> Iterator[int]:
    """Give the seconds between attempts: doubling, a minute at most."""
    yield from (1, 2, 4, 8, 16, 32)
    yield from repeat(60)
