"""AWSCURRENT decides which version is the default, also after the label has been moved.

moto keeps a pointer of its own to the default version, and UpdateSecretVersionStage forgets it:
GetSecretValue and BatchGetSecretValue without a stage then give the old version, and the next
PutSecretValue puts AWSPREVIOUS on the wrong one.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.emulator.moto_patches.replacing import replaced

_ORIGINAL: Final = SecretsManagerBackend.update_secret_version_stage


def applied() -> AbstractContextManager[None]:
    """Make the pointer follow the label."""
    return replaced(SecretsManagerBackend, "update_secret_version_stage", _update)


def _update(backend: Any, secret_id: str, *args: Any, **kwargs: Any) -> tuple[str, str]:
    answer: tuple[str, str] = _ORIGINAL(backend, secret_id, *args, **kwargs)
    secret = backend.secrets[secret_id]
    for version_id, version in secret.versions.items():
        if "AWSCURRENT" in version["version_stages"]:
            secret.set_default_version_id(version_id)
    return answer
