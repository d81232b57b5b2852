"""The creation date of a version has milliseconds, as at AWS; moto cuts them off."""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.clock import SystemClock
from sidecar.emulator.moto_patches.replacing import replaced

_METHOD: Final = "_add_secret"
_ORIGINAL: Final = getattr(SecretsManagerBackend, _METHOD)


def applied() -> AbstractContextManager[None]:
    """Stamp new versions anew."""
    return replaced(SecretsManagerBackend, _METHOD, _add)


def _add(backend: Any, *args: Any, **kwargs: Any) -> Any:
    secret, added = _ORIGINAL(backend, *args, **kwargs)
    for version in secret.versions.values():
        if isinstance(version["createdate"], int):
            version["createdate"] = round(SystemClock().now().timestamp(), 3)
    return secret, added
