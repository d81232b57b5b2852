"""An emulator's own AWS account: its administrator, and room of its own inside moto.

moto keeps everything in module globals, by account. An account for each emulator keeps several in
one process apart; only names that are unique across AWS (buckets) are shared, as they are there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import Final

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import BackendDict
from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from sidecar.redaction import Secret

_NAME: Final = "administrator"
_taken: Final[set[str]] = set()
_lock: Final = Lock()


@dataclass(frozen=True, slots=True)
class Administrator:
    """The user with which everything else is set up: an access key that may do anything."""

    account: str
    access_key_id: str
    secret_access_key: Secret


@contextmanager
def own_account(region: str) -> Iterator[Administrator]:
    """Take an empty account with an administrator in it, and empty it again at the end.

    The first one in a process is 123456789012, so that ARNs are the same from run to run.
    """
    account = _take()
    try:
        _empty(account)
        yield _make_administrator(account, region)
    finally:
        _empty(account)
        with _lock:
            _taken.discard(account)


def _take() -> str:
    with _lock:
        candidates = (str(number) for number in count(int(DEFAULT_ACCOUNT_ID)))
        account = next(each for each in candidates if each not in _taken)
        _taken.add(account)
    return account


def _make_administrator(account: str, region: str) -> Administrator:
    partition = get_partition(region)
    iam = iam_backends[account][partition]
    iam.create_user(region, _NAME, "/", [])
    iam.attach_user_policy(f"arn:{partition}:iam::aws:policy/AdministratorAccess", _NAME)
    key = iam.create_access_key(_NAME)
    return Administrator(account, key.access_key_id, Secret(key.secret_access_key))


def _empty(account: str) -> None:
    for backends in list(BackendDict._instances):  # noqa: SLF001 - moto has no other list of them
        if account in list(backends):
            backends[account].reset()
            del backends[account]
