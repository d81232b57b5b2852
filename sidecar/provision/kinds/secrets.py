"""Secrets Manager: secrets, who may read them, and their schedules of rotation."""

import json
from typing import Any, Final

from sidecar.errors import OperatorError
from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted

_SERVICE: Final = "secretsmanager"
_ABSENT: Final = "ResourceNotFoundException"
# Until the function's permission is known everywhere (user guide, "Troubleshoot rotation").
_LAGGING: Final = (("AccessDeniedException", "cannot invoke the specified Lambda function"),)
# A secret that was deleted at once keeps its name for a while.
_NAME_HELD: Final = (("InvalidRequestException", "scheduled for deletion"),)
_CHANGEABLE: Final = ("Description", "KmsKeyId")


def _described(account: Account, secret: str) -> Any:
    return account.find(_ABSENT, _SERVICE, "describe_secret", SecretId=secret)


def _find_secret(account: Account, wanted: Wanted) -> Found | None:
    held = _described(account, wanted.properties["Name"])
    if held is None:
        return None
    ours = account.owns(held.get("Tags", ()))
    if held.get("DeletedDate") is not None and ours:
        return None
    properties = {**held, "ReplicaRegions": held.get("ReplicationStatus", [])}
    window = "" if account.may_delete.secrets_at_once else "its value, after the recovery window"
    return Found(held["ARN"], {"Id": held["ARN"]}, properties, ours, window or "its value, at once")


def _create_secret(account: Account, wanted: Wanted) -> None:
    """Make it, or take it back when it waits to be deleted: its name is not free until then."""
    properties = wanted.properties
    held = _described(account, properties["Name"])
    if held is not None:
        account.ask(_SERVICE, "restore_secret", SecretId=held["ARN"])
        return
    members = {
        name: properties[name]
        for name in ("Name", "SecretString", *_CHANGEABLE)
        if name in properties
    }
    if "ReplicaRegions" in properties:
        members["AddReplicaRegions"] = properties["ReplicaRegions"]
    account.patiently(_NAME_HELD, _SERVICE, "create_secret", Tags=account.tags(), **members)


def _update_secret(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    members = {name: wanted.properties[name] for name in _CHANGEABLE if name in changed}
    if members:
        account.ask(_SERVICE, "update_secret", SecretId=found.ref, **members)
    if "ReplicaRegions" in changed:
        before = {each["Region"] for each in found.properties["ReplicaRegions"]}
        after = {each["Region"]: each for each in wanted.properties["ReplicaRegions"]}
        if added := [each for region, each in after.items() if region not in before]:
            account.ask(
                _SERVICE,
                "replicate_secret_to_regions",
                SecretId=found.ref,
                AddReplicaRegions=added,
            )
        if removed := sorted(before - after.keys()):
            _remove_replicas(account, found, removed)


def _remove_replicas(account: Account, found: Found, regions: list[str]) -> None:
    account.ask(
        _SERVICE,
        "remove_regions_from_replication",
        SecretId=found.ref,
        RemoveReplicaRegions=regions,
    )


def _delete_secret(account: Account, found: Found) -> None:
    if replicas := [each["Region"] for each in found.properties["ReplicaRegions"]]:
        _remove_replicas(account, found, replicas)
    how = {"ForceDeleteWithoutRecovery": True} if account.may_delete.secrets_at_once else {}
    account.find(_ABSENT, _SERVICE, "delete_secret", SecretId=found.ref, **how)


def _find_policy(account: Account, wanted: Wanted) -> Found | None:
    secret = wanted.properties["SecretId"]
    held = account.find(_ABSENT, _SERVICE, "get_resource_policy", SecretId=secret)
    text = None if held is None else held.get("ResourcePolicy")
    if not text:
        return None
    properties = {**wanted.properties, "ResourcePolicy": json.loads(text)}
    return Found(secret, {}, properties)


def _put_policy(account: Account, wanted: Wanted, *_: object) -> None:
    properties = wanted.properties
    public = {"BlockPublicPolicy": True} if properties.get("BlockPublicPolicy") else {}
    document = properties["ResourcePolicy"]
    account.ask(
        _SERVICE,
        "put_resource_policy",
        SecretId=properties["SecretId"],
        ResourcePolicy=document if isinstance(document, str) else json.dumps(document),
        **public,
    )


def _delete_policy(account: Account, found: Found) -> None:
    account.find(_ABSENT, _SERVICE, "delete_resource_policy", SecretId=found.ref)


def _find_schedule(account: Account, wanted: Wanted) -> Found | None:
    held = _described(account, wanted.properties["SecretId"])
    # A secret that was taken back from deletion may still have rules, but is not rotated.
    if held is None or not held.get("RotationEnabled") or not held.get("RotationLambdaARN"):
        return None
    properties = {"SecretId": held["ARN"], **held}
    return Found(held["ARN"], {}, properties)


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
            RotateImmediately=properties.get("RotateImmediatelyOnUpdate", True) in (True, "true"),
        )
    except KeyError as exc:
        raise OperatorError(
            f"{wanted.logical_id} has no {exc.args[0]}",
            hint="a schedule needs a function and rules",
        ) from None


def _stop_rotating(account: Account, found: Found) -> None:
    account.find(
        (_ABSENT, "InvalidRequestException"), _SERVICE, "cancel_rotate_secret", SecretId=found.ref
    )


KINDS: Final = {
    "AWS::SecretsManager::Secret": Kind(
        "Name",
        _find_secret,
        _create_secret,
        _update_secret,
        _delete_secret,
        # The value belongs to the rotations from its first one on.
        not_compared=frozenset({"Tags", "SecretString", "GenerateSecretString"}),
        secret=frozenset({"SecretString"}),
    ),
    "AWS::SecretsManager::ResourcePolicy": Kind(
        "",
        _find_policy,
        _put_policy,
        _put_policy,
        _delete_policy,
        needs=("SecretId",),
        not_compared=frozenset({"BlockPublicPolicy"}),
    ),
    "AWS::SecretsManager::RotationSchedule": Kind(
        "",
        _find_schedule,
        _rotate,
        _rotate,
        _stop_rotating,
        needs=("SecretId",),
        not_compared=frozenset({"RotateImmediatelyOnUpdate"}),
    ),
}
