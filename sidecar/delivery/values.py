"""Where delivered values come from: the caches, behind one question."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue

_Query_contra = TypeVar("_Query_contra", contravariant=True)


class HeldValue(Protocol):
    """An answer of a cache."""

    @property
    def value(self) -> SecretValue | ParameterValue:
        """What AWS gave."""
        ...


Listener = Callable[[HeldValue], None]


class Cache(Protocol[_Query_contra]):
    """What is needed of a cache of one kind of value."""

    def get(self, reader: Reader, query: _Query_contra) -> Awaitable[HeldValue]:
        """Give the value; raise SidecarError where AWS does not."""
        ...

    def watch(self, reader: Reader, query: _Query_contra, listener: Listener) -> Callable[[], None]:
        """Keep it warm, tell of it now and on each change; gives what ends that."""
        ...


class Values:
    """Both caches.

    Args:
        secrets: that of Secrets Manager.
        parameters: that of Parameter Store.

    """

    def __init__(self, secrets: Cache[SecretQuery], parameters: Cache[ParameterQuery]) -> None:
        self._secrets = secrets
        self._parameters = parameters

    async def get(self, reader: Reader, query: SecretQuery | ParameterQuery) -> HeldValue:
        """Give a value.

        Raises:
            SidecarError: AWS says no, or cannot be asked.

        """
        if isinstance(query, SecretQuery):
            return await self._secrets.get(reader, query)
        return await self._parameters.get(reader, query)

    def watch(
        self, reader: Reader, query: SecretQuery | ParameterQuery, listener: Listener
    ) -> Callable[[], None]:
        """Tell of a value that is held now, and of each change; gives what ends that."""
        if isinstance(query, SecretQuery):
            return self._secrets.watch(reader, query, listener)
        return self._parameters.watch(reader, query, listener)
