"""The variables of a program with every reference resolved: all of them, or none."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final, Protocol

from sidecar.clock import Clock
from sidecar.delivery.environment import variable_value
from sidecar.delivery.reference import Reference
from sidecar.errors import Problem, SidecarError
from sidecar.redaction import Secret

log = logging.getLogger(__name__)

# How long after the first word of a change the values are read: several secrets change together.
_DEBOUNCE_SECONDS: Final = 1.0
# How long until values that could not be had are asked for again, where that may help and where
# somebody must act first.
_SOON_SECONDS: Final = 1.0
_LATER_SECONDS: Final = 60.0


class Unresolved(SidecarError):
    """Some variables have no value; `problems` names each, with the reason."""

    def __init__(self, problems: Sequence[Problem], of: int, *, retryable: bool) -> None:
        super().__init__(
            f"{len(problems)} of {of} references could not be resolved",
            hint="each of them is named above",
        )
        self.problems = tuple(problems)
        self.retryable = retryable


class ReadableValues(Protocol):
    """What the program's app may read."""

    async def read(self, reference: Reference) -> Secret:
        """Give a value, or raise SidecarError."""
        ...

    def watch(self, reference: Reference, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` on each change; gives what ends that."""
        ...


class ProgramEnvironment:
    """A program's variables, some of which stand for values at AWS.

    Args:
        variables: all of them; those with a reference have its text as their value.
        references: the ones that stand for something.
        values: what they are resolved by.
        clock: measures the pauses.

    """

    def __init__(
        self,
        variables: Mapping[str, str],
        references: Mapping[str, Reference],
        values: ReadableValues,
        clock: Clock,
    ) -> None:
        self._variables = variables
        self._references = references
        self._values = values
        self._clock = clock
        self.failure: Unresolved | None = None

    async def resolved(self) -> dict[str, str]:
        """Give all variables with their values.

        Raises:
            Unresolved: with every variable that has none.

        """
        names = list(self._references)
        results = await asyncio.gather(*map(self._value, names), return_exceptions=True)
        found: dict[str, str] = {}
        failed: dict[str, SidecarError] = {}
        for name, result in zip(names, results, strict=True):
            if isinstance(result, SidecarError):
                failed[name] = result
            elif isinstance(result, BaseException):
                raise result
            else:
                found[name] = result
        self.failure = self._failure(failed) if failed else None
        if self.failure is not None:
            raise self.failure
        return {**self._variables, **found}

    async def awaited(self) -> dict[str, str]:
        """Give all variables with their values, asking again while that may help.

        Raises:
            Unresolved: some will have no value, however long one waits.

        """
        while True:
            try:
                return await self.resolved()
            except Unresolved as exc:
                if not exc.retryable:
                    raise
            await self._clock.sleep(_SOON_SECONDS)

    async def changes(self, given: Mapping[str, str]) -> AsyncIterator[dict[str, str]]:
        """Give all variables anew whenever a value differs from what was given last.

        Values that cannot all be had are no change: they are asked for again in a while, and at
        the next word of a change.

        Args:
            given: what the program has got at its start.

        """
        told = asyncio.Event()
        watches = [
            self._values.watch(each, told.set) for each in dict.fromkeys(self._references.values())
        ]
        try:
            while True:
                await told.wait()
                await self._clock.sleep(_DEBOUNCE_SECONDS)
                told.clear()
                try:
                    found = await self.resolved()
                except Unresolved as exc:
                    self._tell(exc)
                    later = _SOON_SECONDS if exc.retryable else _LATER_SECONDS
                    await self._told_within(told, later)
                    told.set()
                    continue
                if found != given:
                    given = found
                    yield found
        finally:
            for stop in watches:
                stop()

    async def _told_within(self, told: asyncio.Event, seconds: float) -> None:
        """Wait for the next word of a change, but no longer than so many seconds."""
        word = asyncio.ensure_future(told.wait())
        limit = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({word, limit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            word.cancel()
            limit.cancel()

    async def _value(self, name: str) -> str:
        return variable_value(name, await self._values.read(self._references[name]))

    def _failure(self, failed: Mapping[str, SidecarError]) -> Unresolved:
        problems = [
            Problem(f"variable {name}", exc.message, exc.hint) for name, exc in failed.items()
        ]
        retryable = all(exc.retryable for exc in failed.values())
        return Unresolved(problems, len(self._references), retryable=retryable)

    def _tell(self, failure: Unresolved) -> None:
        for problem in failure.problems:
            log.warning("%s; the program keeps the values that it has", problem)
