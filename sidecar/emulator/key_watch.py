"""What a request to IAM does to access keys, seen from outside: before it and after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from moto.iam.models import iam_backends

from sidecar.emulator.access_keys import AccessKeys, is_active
from sidecar.emulator.authorization import Caller

# moto keeps quotas and labels only among requests that come one after another.
_one_at_a_time: Final = Lock()


@contextmanager
def watching_keys(keys: AccessKeys, caller: Caller) -> Iterator[None]:
    """Tell `keys` what becomes of those of the caller's account while the context lasts."""
    address, principal = caller.touch.address, caller.principal
    if address.service != "iam":
        yield
        return
    with _one_at_a_time:
        backend, now = iam_backends[principal.account][principal.partition], caller.now
        before = {name: (key, key.status) for name, key in list(backend.access_keys.items())}
        worked = {name: keys.usable(backend, name, now) is not None for name in before}
        if asked := backend.access_keys.get(caller.touch.text("AccessKeyId")):
            asked.last_used = keys.last_use(asked.access_key_id, now)
        yield
        after = dict(backend.access_keys)
        for name, (key, status) in before.items():
            if name not in after:
                keys.changed(key, before=worked[name], after=False, now=now)
            elif after[name].status != status:
                active = is_active(after[name])
                keys.changed(key, before=worked[name], after=active, now=now)
        for name in after.keys() - before.keys():
            keys.changed(after[name], before=False, after=is_active(after[name]), now=now)
