"""Secrets Manager: secrets, and their schedules of rotation."""

from collections.abc import Mapping
from typing import Any, Final

from sidecar.errors import UpstreamError
from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted

_SERVICE: Final = "secretsmanager"
_ABSENT: Final = "ResourceNotFoundException"
# Until the function's permission is known everywhere (user guide, "Troubleshoot rotation").
_LAGGING: Final = (("AccessDeniedException", "cannot invoke the specified Lambda function"),)
# A secret that was deleted at once keeps its name for a while.
_NAME_HELD: Final = (("InvalidRequestException", "scheduled for deletion"),)
_INCOMPLETE: Final = "previous rotation isn't complete"
_PENDING: Final = "AWSPENDING"


def _described(account: Account, secret: str) -> Any:
    return account.find(_ABSENT, _SERVICE, "describe_secret", SecretId=secret)


def _find_secret(account: Account, wanted: Wanted) -> Found | None:
    held = _described(account, wanted.properties["Name"])
    if held is None:
        return None
    ours = account.owns(held.get("Tags", ()))
    if held.get("DeletedDate") is not None and ours:
        return None
    window = (
        "" if account.may_delete.secrets_at_once else "its value, unless it is restored in time"
    )
    return Found(held["ARN"], {"Id": held["ARN"]}, held, ours, window or "its value, for good")


def _create_secret(account: Account, wanted: Wanted) -> None:
    """Make it, or take it back when it waits to be deleted: its name is not free until then."""
    properties = wanted.properties
    held = _described(account, properties["Name"])
    if held is not None:
        account.ask(_SERVICE, "restore_secret", SecretId=held["ARN"])
        return
    members = {name: properties[name] for name in ("Name", "Description", "SecretString")}
    account.patiently(_NAME_HELD, _SERVICE, "create_secret", Tags=account.tags(), **members)


def _update_secret(account: Account, wanted: Wanted, found: Found, _: object) -> None:
    description = wanted.properties["Description"]
    account.ask(_SERVICE, "update_secret", SecretId=found.ref, Description=description)


def _delete_secret(account: Account, found: Found) -> None:
    how = {"ForceDeleteWithoutRecovery": True} if account.may_delete.secrets_at_once else {}
    account.find(_ABSENT, _SERVICE, "delete_secret", SecretId=found.ref, **how)


def _find_schedule(account: Account, wanted: Wanted) -> Found | None:
    held = _described(account, wanted.properties["SecretId"])
    # A secret that was taken back from deletion may still have rules, but is not rotated.
    if held is None or not held.get("RotationEnabled") or not held.get("RotationLambdaARN"):
        return None
    # AWS reckons the days between two rotations, and tells them as if they had been asked for.
    rules = {
        name: value
        for name, value in held.get("RotationRules", {}).items()
        if name != "AutomaticallyAfterDays"
    }
    properties = {**held, "SecretId": held["ARN"], "RotationRules": rules}
    return Found(held["ARN"], {}, properties)


def _begin_rotating(account: Account, wanted: Wanted) -> None:
    held = _described(account, wanted.properties["SecretId"])
    if held is not None and not held.get("RotationEnabled") and account.owns(held.get("Tags", ())):
        _give_up_pending(account, held)
    _rotate(account, wanted)


def _rotate(account: Account, wanted: Wanted, *_: object) -> None:
    properties = wanted.properties
    try:
        account.patiently(
            _LAGGING,
            _SERVICE,
            "rotate_secret",
            SecretId=properties["SecretId"],
            RotationLambdaARN=properties["RotationLambdaARN"],
            RotationRules=dict(properties["RotationRules"]),
            RotateImmediately=properties["RotateImmediatelyOnUpdate"],
        )
    except UpstreamError as exc:
        if _INCOMPLETE in exc.message:
            exc.hint = (
                "apply again when it is; where it fails, the rotation function's log says why"
            )
        raise


def _stop_rotating(account: Account, found: Found) -> None:
    account.find(
        (_ABSENT, "InvalidRequestException"), _SERVICE, "cancel_rotate_secret", SecretId=found.ref
    )
    held = _described(account, found.ref)
    if held is not None and held.get("DeletedDate") is None:
        _give_up_pending(account, held)


def _give_up_pending(account: Account, held: Mapping[str, Any]) -> None:
    """Take the label off the version that a cancelled rotation left: none could begin after it.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
    """
    for version, stages in held.get("VersionIdsToStages", {}).items():
        if _PENDING in stages and "AWSCURRENT" not in stages:
            account.ask(
                _SERVICE,
                "update_secret_version_stage",
                SecretId=held["ARN"],
                VersionStage=_PENDING,
                RemoveFromVersionId=version,
            )


KINDS: Final = {
    "AWS::SecretsManager::Secret": Kind(
        "Name",
        _find_secret,
        _create_secret,
        _update_secret,
        _delete_secret,
        # The value belongs to the rotations from its first one on.
        not_compared=frozenset({"Tags", "SecretString"}),
        secret=frozenset({"SecretString"}),
    ),
    "AWS::SecretsManager::RotationSchedule": Kind(
        "",
        _find_schedule,
        _begin_rotating,
        _rotate,
        _stop_rotating,
        needs=("SecretId",),
        not_compared=frozenset({"RotateImmediatelyOnUpdate"}),
        exact=frozenset({"RotationRules"}),
    ),
}
