"""EventBridge: rules with their targets."""

import json
from typing import Any, Final

from sidecar.errors import OperatorError
from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted

_SERVICE: Final = "events"
_ABSENT: Final = "ResourceNotFoundException"
_TARGETS: Final = "Targets"


def _find_rule(account: Account, wanted: Wanted) -> Found | None:
    name = wanted.properties["Name"]
    held = account.find(_ABSENT, _SERVICE, "describe_rule", Name=name)
    if held is None:
        return None
    tags = account.ask(_SERVICE, "list_tags_for_resource", ResourceARN=held["Arn"])["Tags"]
    properties = dict(held)
    if text := held.get("EventPattern"):
        properties["EventPattern"] = json.loads(text)
    properties[_TARGETS] = _targets(account, wanted)
    return Found(name, {"Arn": held["Arn"]}, properties, account.owns(tags))


def _targets(account: Account, wanted: Wanted) -> list[Any]:
    """Give the targets in the order of the description, and then those that nobody described."""
    rule = wanted.properties["Name"]
    held = {
        each["Id"]: each
        for each in account.calls.listed(_SERVICE, "list_targets_by_rule", _TARGETS, Rule=rule)
    }
    described = [each["Id"] for each in wanted.properties.get(_TARGETS, ())]
    known = [held.pop(each) for each in described if each in held]
    return [*known, *held.values()]


def _create_rule(account: Account, wanted: Wanted) -> None:
    _put_rule(account, wanted, Tags=account.tags())


def _put_rule(account: Account, wanted: Wanted, **tags: Any) -> None:
    members = {
        name: wanted.properties[name]
        for name in ("Name", "ScheduleExpression", "State", "Description")
        if name in wanted.properties
    }
    if (pattern := wanted.properties.get("EventPattern")) is not None:
        members["EventPattern"] = json.dumps(pattern)
    account.ask(_SERVICE, "put_rule", **members, **tags)


def _update_rule(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    if changed - {_TARGETS}:
        _put_rule(account, wanted)
    if _TARGETS in changed:
        targets = wanted.properties[_TARGETS]
        reply = account.ask(
            _SERVICE,
            "put_targets",
            Rule=found.ref,
            Targets=list(targets),
        )
        _complain(reply)
        ids = {each["Id"] for each in targets}
        _remove(account, found, keep=ids)


def _complain(reply: Any) -> None:
    """Raise where the service took a part only, which it tells in an answer of success."""
    for each in reply.get("FailedEntries", ()):
        raise OperatorError(
            f"events did not take target {each.get('TargetId')}: {each.get('ErrorMessage')}",
            hint="see that the target exists in this region",
        )


def _remove(account: Account, found: Found, *, keep: set[str]) -> None:
    ids = [each["Id"] for each in found.properties[_TARGETS] if each["Id"] not in keep]
    if ids:
        account.ask(_SERVICE, "remove_targets", Rule=found.ref, Ids=ids)


def _delete_rule(account: Account, found: Found) -> None:
    _remove(account, found, keep=set())
    account.find(_ABSENT, _SERVICE, "delete_rule", Name=found.ref)


KINDS: Final = {
    "AWS::Events::Rule": Kind(
        "Name",
        _find_rule,
        _create_rule,
        _update_rule,
        _delete_rule,
        exact=frozenset({"EventPattern"}),
    ),
}
