"""IAM: roles and users with their policies."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Properties, Wanted
from sidecar.provision.naming import INLINE_POLICIES

_ABSENT: Final = "NoSuchEntity"
_POLICIES: Final = "Policies"
_MANAGED: Final = "ManagedPolicyArns"
_LONGEST: Final = "MaxSessionDuration"
# A service that was made a moment ago is no principal yet where a policy names it.
_LAGGING: Final = (("MalformedPolicyDocument", "nvalid principal"),)


def _found(account: Account, wanted: Wanted, noun: str) -> Found | None:
    """Look for a role or a user, and for the policies of it that are wanted or there."""
    name = {f"{noun}Name": wanted.properties[f"{noun}Name"]}
    held = account.find(_ABSENT, "iam", f"get_{noun.lower()}", **name)
    if held is None:
        return None
    entity = held[noun]
    ours = account.owns(entity.get("Tags", ()))
    properties = dict(entity)
    if ours:
        properties |= _policies(account, wanted, noun, name)
    return Found(
        entity[f"{noun}Name"],
        {"Arn": entity["Arn"], f"{noun}Id": entity[f"{noun}Id"]},
        properties,
        ours,
    )


def _policies(
    account: Account, wanted: Wanted, noun: str, name: Mapping[str, str]
) -> dict[str, Any]:
    kind, found = noun.lower(), dict[str, Any]()
    if _POLICIES in wanted.properties:
        described = [each["PolicyName"] for each in wanted.properties[_POLICIES]]
        there = set(account.calls.listed("iam", f"list_{kind}_policies", "PolicyNames", **name))
        # What is described no longer is allowed no longer; what others have put is theirs.
        over = sorted(there & INLINE_POLICIES - {*described})
        found[_POLICIES] = [
            {"PolicyName": each, "PolicyDocument": _inline(account, kind, name, each)}
            for each in (*described, *over)
            if each in there
        ]
    if _MANAGED in wanted.properties:
        operation = f"list_attached_{kind}_policies"
        attached = account.calls.listed("iam", operation, "AttachedPolicies", **name)
        found[_MANAGED] = [each["PolicyArn"] for each in attached]
    return found


def _inline(account: Account, kind: str, name: Mapping[str, str], policy: str) -> Any:
    held = account.ask("iam", f"get_{kind}_policy", PolicyName=policy, **name)
    return held["PolicyDocument"]


def _update_policies(
    account: Account, wanted: Wanted, found: Found, changed: frozenset[str], noun: str
) -> None:
    kind, name = noun.lower(), {f"{noun}Name": found.ref}
    if _POLICIES in changed:
        for each in wanted.properties[_POLICIES]:
            document = json.dumps(each["PolicyDocument"])
            account.ask(
                "iam",
                f"put_{kind}_policy",
                PolicyName=each["PolicyName"],
                PolicyDocument=document,
                **name,
            )
        after = {each["PolicyName"] for each in wanted.properties[_POLICIES]}
        for each in found.properties[_POLICIES]:
            if (policy := each["PolicyName"]) not in after:
                operation = f"delete_{kind}_policy"
                account.find(_ABSENT, "iam", operation, PolicyName=policy, **name)
    if _MANAGED in changed:
        before, after = set(found.properties[_MANAGED]), set(wanted.properties[_MANAGED])
        for arn in sorted(after - before):
            account.ask("iam", f"attach_{kind}_policy", PolicyArn=arn, **name)
        for arn in sorted(before - after):
            account.ask("iam", f"detach_{kind}_policy", PolicyArn=arn, **name)


def _strip(account: Account, name: Mapping[str, str], noun: str) -> None:
    """Take every policy away: IAM deletes nothing that has one."""
    kind = noun.lower()
    for policy in account.calls.listed("iam", f"list_{kind}_policies", "PolicyNames", **name):
        account.find(_ABSENT, "iam", f"delete_{kind}_policy", PolicyName=policy, **name)
    operation = f"list_attached_{kind}_policies"
    for each in account.calls.listed("iam", operation, "AttachedPolicies", **name):
        arn = each["PolicyArn"]
        account.find(_ABSENT, "iam", f"detach_{kind}_policy", PolicyArn=arn, **name)


def _with_policies(_account: Account, properties: Properties) -> Properties:
    """Say of what is described without policies that it has none."""
    return {_POLICIES: [], **properties}


def _find_role(account: Account, wanted: Wanted) -> Found | None:
    return _found(account, wanted, "Role")


def _create_role(account: Account, wanted: Wanted) -> None:
    properties = wanted.properties
    document = json.dumps(properties["AssumeRolePolicyDocument"])
    account.patiently(
        _LAGGING,
        "iam",
        "create_role",
        RoleName=properties["RoleName"],
        AssumeRolePolicyDocument=document,
        Tags=account.tags(),
        **_duration(properties),
    )


def _duration(properties: Properties) -> dict[str, Any]:
    return {_LONGEST: properties[_LONGEST]} if _LONGEST in properties else {}


def _update_role(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    properties = wanted.properties
    if "AssumeRolePolicyDocument" in changed:
        document = json.dumps(properties["AssumeRolePolicyDocument"])
        account.patiently(
            _LAGGING,
            "iam",
            "update_assume_role_policy",
            RoleName=found.ref,
            PolicyDocument=document,
        )
    if _LONGEST in changed:
        account.ask("iam", "update_role", RoleName=found.ref, **_duration(properties))
    _update_policies(account, wanted, found, changed, "Role")


def _delete_role(account: Account, found: Found) -> None:
    name = {"RoleName": found.ref}
    _strip(account, name, "Role")
    account.find(_ABSENT, "iam", "delete_role", **name)


def _find_user(account: Account, wanted: Wanted) -> Found | None:
    found = _found(account, wanted, "User")
    if found is None or not found.ours:
        return found
    keys = len(_keys(account, found.ref))
    lost = f"its {keys} access key{'s' * (keys > 1)}" if keys else ""
    return replace(found, also_lost=lost, kept_by=_kept_by(account, found.ref))


def _kept_by(account: Account, user: str) -> tuple[str, ...]:
    """Say that it is in groups: it would lose its keys and stay, and is somebody's besides."""
    listed = account.find(_ABSENT, "iam", "list_groups_for_user", UserName=user)
    names = [] if listed is None else [each["GroupName"] for each in listed["Groups"]]
    if not names:
        return ()
    hint = "one that was made here is in none: see whose it is, or take it out"
    return f"user {user} is in a group: {', '.join(names)}", hint


def _create_user(account: Account, wanted: Wanted) -> None:
    name = wanted.properties["UserName"]
    account.ask("iam", "create_user", UserName=name, Tags=account.tags())


def _update_user(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    _update_policies(account, wanted, found, changed, "User")


def _delete_user(account: Account, found: Found) -> None:
    name = {"UserName": found.ref}
    for key in _keys(account, found.ref):
        account.find(_ABSENT, "iam", "delete_access_key", AccessKeyId=key, **name)
    _strip(account, name, "User")
    account.find(_ABSENT, "iam", "delete_user", **name)


def _keys(account: Account, user: str) -> list[str]:
    listed = account.find(_ABSENT, "iam", "list_access_keys", UserName=user)
    return [] if listed is None else [each["AccessKeyId"] for each in listed["AccessKeyMetadata"]]


KINDS: Final = {
    "AWS::IAM::Role": Kind(
        "RoleName",
        _find_role,
        _create_role,
        _update_role,
        _delete_role,
        described=_with_policies,
    ),
    "AWS::IAM::User": Kind(
        "UserName",
        _find_user,
        _create_user,
        _update_user,
        _delete_user,
        described=_with_policies,
    ),
}
