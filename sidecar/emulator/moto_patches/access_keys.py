"""Access keys are made in service time, and moto itself does not note when a user's was used.

moto notes that of every request that reaches it, at the machine's time, before it answers; the
emulator notes what was signed with a key that works, and tells it when IAM would.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any, Final

from moto.iam import models
from moto.iam.models import User

from sidecar.emulator.authorization import present_caller
from sidecar.emulator.moto_patches.replacing import replaced

_CREATE: Final = User.create_access_key
_MARK: Final = models.mark_account_as_visited


@contextmanager
def applied() -> Iterator[None]:
    """Stamp keys anew."""
    with (
        replaced(User, "create_access_key", _create),
        replaced(models, "mark_account_as_visited", _mark),
    ):
        yield


def _create(user: Any, *args: Any, **kwargs: Any) -> Any:
    key = _CREATE(user, *args, **kwargs)
    if caller := present_caller():
        # moto's moments have no zone.
        key.create_date = caller.now.astimezone(UTC).replace(tzinfo=None)
    return key


def _mark(account_id: str, access_key: str, service: str, region: str) -> None:
    if not access_key.startswith("AKIA"):
        _MARK(account_id, access_key, service, region)
