"""BatchGetSecretValue reads each secret for itself, and what cannot be read is an error entry.

moto asks for no permission per secret, fails as a whole at a secret without a value or one that is
marked for deletion, gives more than 20 at a time, and accepts neither list nor filters.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager import models
from moto.secretsmanager.exceptions import InvalidParameterException, SecretsManagerClientError
from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.emulator.authorization import present_caller
from sidecar.emulator.moto_patches.replacing import replaced
from sidecar.emulator.refusals import NotLetIn
from sidecar.emulator.resources import secret_arn

_LONGEST_PAGE: Final = 20


def applied() -> AbstractContextManager[None]:
    """Read secret by secret."""
    return replaced(SecretsManagerBackend, "batch_get_secret_value", _batch_get)


def _batch_get(
    backend: Any,
    secret_id_list: list[str] | None = None,
    filters: list[dict[str, Any]] | None = None,
    max_results: int | None = None,
    next_token: str | None = None,
) -> tuple[list[dict[str, Any]], list[Any], str | None]:
    if bool(secret_id_list) == bool(filters):
        raise InvalidParameterException("You must provide either SecretIdList or Filters.")
    if not filters and (max_results or next_token):
        raise InvalidParameterException("MaxResults and NextToken need Filters.")
    wanted = secret_id_list or list(_found(backend, filters or []))
    start, size = int(next_token or 0), max_results or _LONGEST_PAGE
    page = wanted[start : start + size]
    values, errors = [], []
    for secret_id in page:
        try:
            values.append(_value(backend, secret_id))
        except NotLetIn as refused:
            errors.append(_entry(secret_id, "AccessDeniedException", refused.detail))
        except SecretsManagerClientError as error:
            errors.append(_entry(secret_id, error.error_type, error.message))
    return values, errors, str(start + size) if start + size < len(wanted) else None


def _found(backend: Any, filters: list[dict[str, Any]]) -> Iterator[str]:
    for secret in backend.secrets.values():
        if not secret.is_deleted() and models._matches(secret, filters):  # noqa: SLF001 - patched too
            yield str(secret.arn)


def _value(backend: Any, secret_id: str) -> dict[str, Any]:
    if caller := present_caller():
        caller.demand("secretsmanager:GetSecretValue", secret_arn(secret_id, caller.touch))
    value: dict[str, Any] = backend.get_secret_value(secret_id, None, None)
    return value


def _entry(secret_id: str, code: str, message: str) -> dict[str, str]:
    return {"SecretId": secret_id, "ErrorCode": code, "Message": message}
