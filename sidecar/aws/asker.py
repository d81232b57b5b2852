"""For whom AWS is asked, so that calls for one application hold up no calls for another."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

# Not an argument, since a read shared by many is begun for whoever came first, deep in a cache. A
# task takes over what is true where it is begun.
_ASKER: Final[ContextVar[str]] = ContextVar("asker", default="")


@contextmanager
def asking_for(app: str) -> Iterator[None]:
    """Have what is asked within the block be asked for an app."""
    before = _ASKER.set(app)
    try:
        yield
    finally:
        _ASKER.reset(before)


def asker() -> str:
    """Name the app that AWS is asked for at this moment; empty is the sidecar itself."""
    return _ASKER.get()
