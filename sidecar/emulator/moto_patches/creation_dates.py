"""A version's date has milliseconds and is service time; filling an empty one leaves it alone.

moto cuts the milliseconds off, and makes the version that a rotation has placed anew when it gets
its value: with another date, and without the labels that the put does not name.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.clock import SystemClock
from sidecar.emulator.authorization import present_caller
from sidecar.emulator.moto_patches.replacing import replaced

_METHOD: Final = "_add_secret"
_ORIGINAL: Final = getattr(SecretsManagerBackend, _METHOD)


def applied() -> AbstractContextManager[None]:
    """Stamp new versions anew."""
    return replaced(SecretsManagerBackend, _METHOD, _add)


def _add(backend: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
    existing = backend.secrets.get(secret_id)
    placed = dict(existing.versions) if existing is not None else {}
    secret, added = _ORIGINAL(backend, secret_id, *args, **kwargs)
    caller = present_caller()
    now = caller.now if caller else SystemClock().now()
    for version_id, version in secret.versions.items():
        before = placed.get(version_id)
        if before is not None and before is not version:
            version["createdate"] = before["createdate"]
            kept = [each for each in before["version_stages"] if each not in _labels(secret)]
            version["version_stages"] = [*version["version_stages"], *kept]
        elif isinstance(version["createdate"], int):
            version["createdate"] = round(now.timestamp(), 3)
    return secret, added


def _labels(secret: Any) -> set[str]:
    """Every label that is attached now."""
    return {label for version in secret.versions.values() for label in version["version_stages"]}
