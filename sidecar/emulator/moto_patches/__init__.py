"""Where moto answers differently from AWS in ways that matter here, and is put right.

One module per difference; each has a test of the mended behaviour and one that notices when moto
itself changes. Authentication and authorization are not patched: moto's are switched off, and the
emulator does both in front of it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from sidecar.emulator.moto_patches import (
    access_keys,
    batch_get,
    bucket_tags,
    creation_dates,
    current_version,
    list_filters,
    managed_policies,
    notifications,
    outgoing,
    parameter_reads,
    queue_policies,
    rotation_descriptions,
    secret_values,
    staging_labels,
    version_immutability,
    version_lists,
)

_PATCHES = (
    access_keys,
    batch_get,
    bucket_tags,
    creation_dates,
    current_version,
    list_filters,
    managed_policies,
    notifications,
    outgoing,
    parameter_reads,
    queue_policies,
    rotation_descriptions,
    secret_values,
    staging_labels,
    version_immutability,
    version_lists,
)


class _Shared:
    """The patches, in force while anybody needs them: moto's modules belong to the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._in_force = ExitStack()

    def enter(self) -> None:
        with self._lock:
            if self._users == 0:
                with ExitStack() as stack:  # one that does not fit takes the others with it
                    for patch in _PATCHES:
                        stack.enter_context(patch.applied())
                    self._in_force = stack.pop_all()
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._in_force.close()


_shared = _Shared()


@contextmanager
def applied() -> Iterator[None]:
    """Have every patch in force; the last one to leave undoes them."""
    _shared.enter()
    try:
        yield
    finally:
        _shared.leave()
