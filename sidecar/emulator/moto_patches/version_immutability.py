"""A secret's version never changes its value once it has one.

moto lets PutSecretValue overwrite the version labelled AWSPENDING; AWS answers
ResourceExistsException, and lets only the empty placeholder of a rotation be filled.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager.exceptions import ResourceExistsException
from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.emulator.moto_patches.replacing import replaced

_METHOD: Final = "_check_with_existing_secrets_and_versions"
_ORIGINAL: Final = getattr(SecretsManagerBackend, _METHOD)


def applied() -> AbstractContextManager[None]:
    """Refuse a second value for a version."""
    return replaced(SecretsManagerBackend, _METHOD, _check)


def _check(
    backend: Any, name: str, token: str, string: str | None, binary: str | None, **kwargs: Any
) -> Any:
    existing = backend.secrets.get(name)
    version = existing.versions.get(token) if existing is not None else None
    held = (version or {}).get("secret_string"), (version or {}).get("secret_binary")
    if version is None or held == (None, None) or "AWSPENDING" not in version["version_stages"]:
        return _ORIGINAL(backend, name, token, string, binary, **kwargs)
    if held == (string, binary):
        return existing
    raise ResourceExistsException(
        f"You can't use ClientRequestToken {token} because that value is already in use for a "
        f"version of secret {existing.arn}."
    )
