"""For whom AWS is asked, so that calls for one application hold up no calls for another."""

from contextvars import ContextVar
from typing import Final

# Not an argument, since a read shared by many is begun for whoever came first, deep in a cache. A
# task takes over what is true where it is begun.
_ASKER: Final[ContextVar[str]] = ContextVar("asker", default="")


class asking_for:  # noqa: N801 - it reads as the function that it stands for
    """Have what is asked within the block be asked for an app."""

    __slots__ = ("_app", "_before")

    def __init__(self, app: str) -> None:
        self._app = app

    def __enter__(self) -> None:
        self._before = _ASKER.set(self._app)

    def __exit__(self, *_: object) -> None:
        _ASKER.reset(self._before)


def asker() -> str:
    """Name the app that AWS is asked for at this moment; empty is the sidecar itself."""
    return _ASKER.get()
