"""A queue keeps its policy when something else of it is changed.

moto forgets the policy whenever ``SetQueueAttributes`` does not name it.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.sqs.models import Queue

from sidecar.emulator.moto_patches.replacing import replaced

_SET: Final = Queue._set_attributes  # noqa: SLF001 - where moto forgets


def applied() -> AbstractContextManager[None]:
    """Keep what was not spoken of."""
    return replaced(Queue, "_set_attributes", _set)


def _set(queue: Any, attributes: dict[str, Any], now: float | None = None) -> None:
    kept = {"Policy": getattr(queue, "policy", None)}
    _SET(queue, {**kept, **attributes}, now)
