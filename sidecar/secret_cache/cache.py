"""The caches of secrets and of parameters: values by whose credentials read them."""

import random
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from typing import Any, Generic, TypeVar

from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.clock import Clock
from sidecar.secret_cache.answer import Answer
from sidecar.secret_cache.holding import Holding
from sidecar.secret_cache.kind import Kind
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.parameter_kind import ParameterKind, parameter_names
from sidecar.secret_cache.secret_kind import SecretKind, secret_names
from sidecar.secret_cache.statistics import Statistics

Query = TypeVar("Query", bound=Hashable)
Value = TypeVar("Value")
Names = Callable[[str], frozenset[str]]


class ReaderCache(Generic[Query, Value]):
    """Values in memory, apart for each reader: what two are given for one name may differ.

    Args:
        holding: where they are.
        names: the names that an id may stand for.
        id_of: the id in a query.

    """

    def __init__(
        self,
        holding: Holding[tuple[Reader, Query], Value],
        names: Names,
        id_of: Callable[[Query], str],
    ) -> None:
        self._holding = holding
        self._names = names
        self._id_of = id_of
        self._listeners: list[Callable[[frozenset[str] | None], None]] = []

    def get(
        self, reader: Reader, query: Query, *, refresh_now: bool = False
    ) -> Coroutine[Any, Any, Answer[Value]]:
        """Answer a read; it waits for AWS only where nothing that may be served is held.

        Args:
            reader: whose credentials read it, and where.
            query: what is asked for.
            refresh_now: ask AWS whatever is held, as far as the rate allows.

        Raises:
            SidecarError: AWS said no, or cannot be asked and nothing young enough is held.

        """
        return self._holding.get((reader, query), refresh_now=refresh_now)

    def put(
        self, reader: Reader, query: Query, value: Value, *, asked_at: float | None = None
    ) -> None:
        """Hold what AWS gave to another question, such as a batch.

        Args:
            reader: who was given it.
            query: the question that it answers too.
            value: what AWS gave.
            asked_at: when AWS was asked, in seconds of `Clock.elapsed`; None is now. What was asked
                for before the last invalidation of anything is left out: it may be old.

        """
        self._holding.put((reader, query), value, asked_at)

    def on_change(self, listener: Callable[[frozenset[str] | None], None]) -> None:
        """Call `listener` with the names of what has perhaps changed; None stands for everything.

        It must not fail. Whether any of it is held here does not matter.
        """
        self._listeners.append(listener)

    def _tell(self, names: frozenset[str] | None) -> None:
        for listener in self._listeners:
            listener(names)

    def invalidate(self, value_id: str, /, *, wait: bool = False) -> int:
        """Let nothing of one thing count as fresh; what is in use is asked for again at once.

        Args:
            value_id: name, partial or whole ARN: every reader, version and alias of it.
            wait: the next read waits for AWS, as it must after a write.

        Returns:
            How many held values it concerned.

        """
        names = self._names(value_id)
        self._tell(names)
        return self._holding.invalidate(
            lambda question: not names.isdisjoint(self._names(self._id_of(question[1]))), wait=wait
        )

    def written(self, value_ids: Iterable[str], region: str, *, certain: bool) -> None:
        """Have what was written in one region through this process read again.

        Args:
            value_ids: as for `invalidate`; all of them are looked for at once.
            region: what was read in another one stays as it is.
            certain: AWS has said that it was done, so the next read waits for AWS. Otherwise it
                waits a little, and AWS is not asked before a back-off is over.

        """
        names = frozenset[str]().union(*map(self._names, value_ids))
        self._tell(names)

        def concerns(question: tuple[Reader, Query]) -> bool:
            reader, query = question
            return reader.region == region and not names.isdisjoint(self._names(self._id_of(query)))

        if certain:
            self._holding.invalidate(concerns, wait=True)
        else:
            self._holding.doubt(concerns)

    def invalidate_all(self) -> int:
        """Let nothing at all count as fresh; returns how many held values it concerned."""
        self._tell(None)
        return self._holding.invalidate(lambda _: True)

    def renew(self, value_id: str, /) -> int:
        """Read a value again, named as for `invalidate`, that has perhaps changed.

        It stays as fresh as it is, so no read waits.

        Returns:
            How many held values it concerned.

        """
        names = self._names(value_id)
        self._tell(names)
        return self._holding.renew(
            lambda question: not names.isdisjoint(self._names(self._id_of(question[1])))
        )

    def renew_all(self) -> int:
        """Read all values again, as `renew` does; returns how many held values it concerned."""
        self._tell(None)
        return self._holding.renew(lambda _: True)

    def forget_reader(self, reader: Reader) -> None:
        """Drop what was read with credentials that are no longer used."""
        self._holding.forget(lambda question: question[0] == reader)

    def holds(self, reader: Reader, query: Query) -> bool:
        """Say whether a read would be answered from memory, however old the value is."""
        return self._holding.holds((reader, query))

    def watch(
        self, reader: Reader, query: Query, listener: Callable[[Answer[Value]], None]
    ) -> Callable[[], None]:
        """Keep a value warm for ever and tell of it: at once if held, then on each change.

        Returns:
            What ends the watching.

        """
        return self._holding.watch((reader, query), listener)

    def not_renewed(self) -> int:
        """Count the values that AWS could not be asked for again, and that serve as they are."""
        return self._holding.not_renewed()

    def statistics(self) -> Statistics:
        """Count."""
        return self._holding.statistics()

    async def run(self) -> None:
        """Renew what is in use before its time is over; it never returns."""
        await self._holding.run()

    async def close(self) -> None:
        """End what is under way and forget every value."""
        await self._holding.close()


class SecretCache(ReaderCache[SecretQuery, SecretValue]):
    """Secrets of Secrets Manager.

    Args:
        fetch: asks AWS.
        clock: the clock.
        limits: see `Limits`.
        jitter: random, 0 up to 1.

    """

    def __init__(
        self,
        fetch: Callable[[Reader, SecretQuery], Awaitable[SecretValue]],
        clock: Clock,
        limits: Limits,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        kind: Kind[tuple[Reader, SecretQuery], SecretValue] = SecretKind()
        holding = Holding(kind, lambda question: fetch(*question), clock, limits, jitter)
        super().__init__(holding, secret_names, lambda query: query.secret_id)


class ParameterCache(ReaderCache[ParameterQuery, ParameterValue]):
    """Parameters of Parameter Store.

    Args:
        fetch: asks AWS.
        clock: the clock.
        limits: see `Limits`.
        jitter: random, 0 up to 1.

    """

    def __init__(
        self,
        fetch: Callable[[Reader, ParameterQuery], Awaitable[ParameterValue]],
        clock: Clock,
        limits: Limits,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        kind: Kind[tuple[Reader, ParameterQuery], ParameterValue] = ParameterKind()
        holding = Holding(kind, lambda question: fetch(*question), clock, limits, jitter)
        super().__init__(holding, parameter_names, lambda query: query.name)
