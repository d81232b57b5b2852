"""BatchGetSecretValue needs GetSecretValue on each secret; a denied one becomes an error entry.

moto asks for no permission per secret.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.emulator.authorization import present_caller
from sidecar.emulator.moto_patches.replacing import replaced
from sidecar.emulator.refusals import NotLetIn
from sidecar.emulator.resources import secret_arn

_ORIGINAL: Final = SecretsManagerBackend.batch_get_secret_value


def applied() -> AbstractContextManager[None]:
    """Ask for permission per secret."""
    return replaced(SecretsManagerBackend, "batch_get_secret_value", _batch_get)


def _batch_get(
    backend: Any,
    secret_id_list: list[str] | None = None,
    filters: list[dict[str, Any]] | None = None,
    **kwargs: Any,
) -> tuple[list[dict[str, Any]], list[Any], str | None]:
    denied = {each: reason for each in secret_id_list or () if (reason := _denial(each))}
    if secret_id_list and len(denied) == len(secret_id_list):
        return [], _entries(denied), None
    asked = [each for each in secret_id_list or () if each not in denied]
    values, errors, token = _ORIGINAL(backend, asked or secret_id_list, filters, **kwargs)
    hidden = {} if secret_id_list else {v["ARN"]: r for v in values if (r := _denial(v["ARN"]))}
    shown = [value for value in values if value["ARN"] not in hidden]
    return shown, [*errors, *_entries({**denied, **hidden})], token


def _denial(secret_id: str) -> str:
    """Why the present caller may not read this secret; empty when it may."""
    caller = present_caller()
    if caller is None:
        return ""
    try:
        caller.demand("secretsmanager:GetSecretValue", secret_arn(secret_id, caller.touch))
    except NotLetIn as refused:
        return refused.detail
    return ""


def _entries(denied: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"SecretId": secret_id, "ErrorCode": "AccessDeniedException", "Message": reason}
        for secret_id, reason in denied.items()
    ]
