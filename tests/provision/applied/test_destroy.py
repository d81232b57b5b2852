"""A destruction takes what was made, all of it, and nothing of anybody else's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from sidecar.aws.administrator import AdministratorCalls
from sidecar.emulator.server import Emulator
from sidecar.errors import OperatorError, UpstreamError
from sidecar.provision.account import Calls, Leave
from sidecar.provision.applying import doomed
from sidecar.provision.planning import Action
from tests.provision.applied.stack import Stack, inventory, quick_zip

NewStack = Callable[..., Stack]


def test_destruction_leaves_nothing(new_stack: NewStack, administrator: AdministratorCalls) -> None:
    before = inventory(administrator)
    stack = new_stack()
    stack.apply()
    assert len(stack.inventory()) > 15
    stack.destroy()
    assert inventory(administrator) == before


def test_destroying_nothing_is_no_failure(new_stack: NewStack) -> None:
    new_stack().destroy()


def test_a_secret_can_be_had_back_by_applying_again(
    new_stack: NewStack, provisioned_emulator: Emulator
) -> None:
    stack = new_stack(code=quick_zip(), events=None).changed(may_delete=Leave(objects=True))
    stack.apply()
    secret = stack.account.ask(
        "secretsmanager", "describe_secret", SecretId=f"{stack.account.stack}/key"
    )
    provisioned_emulator.wait_for_rotations()
    stack.destroy()
    assert {each.action for each in stack.plan()} == {Action.CREATE}
    stack.apply()
    again = stack.account.ask("secretsmanager", "describe_secret", SecretId=secret["ARN"])
    assert (again["ARN"], again.get("DeletedDate")) == (secret["ARN"], None)


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_secret_whose_rotation_was_not_complete_is_rotated_when_had_back(
    new_stack: NewStack, provisioned_emulator: Emulator, cancelled: bool
) -> None:
    stack = new_stack(events=None).changed(may_delete=Leave(objects=True))
    stack.apply()
    provisioned_emulator.wait_for_rotations()
    if cancelled:  # as by a destruction that was interrupted
        stack.account.ask("secretsmanager", "cancel_rotate_secret", SecretId=_key(stack)["ARN"])
    stack.destroy()
    assert ("AWSPENDING" in _stages(stack)) == cancelled
    stack.changed(function_zip=quick_zip()).apply()
    provisioned_emulator.wait_for_rotations()
    assert _key(stack)["RotationEnabled"]
    assert "AWSPENDING" not in _stages(stack)


def test_a_rotation_under_way_is_not_abandoned_for_a_new_schedule(
    new_stack: NewStack, provisioned_emulator: Emulator
) -> None:
    stack = new_stack(events=None)
    stack.apply()
    provisioned_emulator.wait_for_rotations()
    changed = replace(stack, parameters={**stack.parameters, "ScheduleExpression": "rate(60 days)"})
    with pytest.raises(UpstreamError, match="previous rotation isn't complete") as refused:
        changed.apply()
    assert "apply again" in refused.value.hint
    assert "AWSPENDING" in _stages(stack)


def _key(stack: Stack) -> Mapping[str, Any]:
    name = f"{stack.account.stack}/key"
    return stack.account.ask("secretsmanager", "describe_secret", SecretId=name)


def _stages(stack: Stack) -> set[str]:
    return {each for stages in _key(stack)["VersionIdsToStages"].values() for each in stages}


def test_keys_of_the_user_go_with_it_and_are_told_before(new_stack: NewStack) -> None:
    stack = new_stack(events=None)
    stack.apply()
    user = f"{stack.account.stack}-user"
    stack.account.ask("iam", "create_access_key", UserName=user)
    lost = {wanted.logical_id: found.also_lost for wanted, found, _ in doomed(stack.look())}
    assert lost["RotatedUser"] == "its 1 access key"
    stack.destroy()


def test_a_user_in_a_group_keeps_its_keys_and_everything_else_stays_too(
    new_stack: NewStack,
) -> None:
    stack = new_stack(events=None)
    stack.apply()
    ask, name = stack.account.ask, stack.account.stack
    member = {"UserName": f"{name}-user", "GroupName": f"{name}-people"}
    ask("iam", "create_access_key", UserName=member["UserName"])
    ask("iam", "create_group", GroupName=member["GroupName"])
    ask("iam", "add_user_to_group", **member)
    before = stack.inventory()
    with pytest.raises(OperatorError, match=f"{name}-user is in a group: {name}-people"):
        stack.destroy()
    assert stack.inventory() == before
    ask("iam", "remove_user_from_group", **member)
    stack.destroy()
    assert stack.inventory() == []


def test_a_bucket_with_something_in_it_is_kept_unless_asked_for(new_stack: NewStack) -> None:
    stack = new_stack(rotation=None).changed(may_delete=Leave(secrets_at_once=True))
    stack.apply()
    bucket = next(each for each in stack.plan() if each.wanted.logical_id == "TrailBucket")
    name = bucket.wanted.properties["BucketName"]
    stack.account.ask("s3", "put_object", Bucket=name, Key="log", Body=b"line")
    with pytest.raises(OperatorError, match=f"bucket {name} is not empty"):
        stack.destroy()
    assert {each.action for each in stack.plan()} == {Action.LEAVE}
    stack.changed(may_delete=Leave(secrets_at_once=True, objects=True)).destroy()
    assert stack.inventory() == []


@pytest.mark.parametrize(
    ("logical_id", "service", "operation", "arguments"),
    [
        ("WorkloadRole", "iam", "untag_role", {"RoleName": "{name}-workload"}),
        ("RotatedUser", "iam", "untag_user", {"UserName": "{name}-user"}),
        ("RotatedSecret", "secretsmanager", "untag_resource", {"SecretId": "{name}/key"}),
    ],
)
def test_what_lacks_the_tag_is_neither_changed_nor_deleted(
    new_stack: NewStack,
    logical_id: str,
    service: str,
    operation: str,
    arguments: dict[str, str],
) -> None:
    stack = new_stack(events=None)
    stack.apply()
    name = {key: value.format(name=stack.account.stack) for key, value in arguments.items()}
    stack.account.ask(service, operation, TagKeys=["credential-sidecar:stack"], **name)
    before = stack.inventory()
    for work in (stack.apply, stack.destroy):
        with pytest.raises(OperatorError, match="is not of this stack"):
            work()
    assert stack.inventory() == before
    assert logical_id in {each.logical_id for each in stack.resources}


def test_what_iam_has_of_a_stack_of_the_same_name_in_another_region_is_not_ours(
    new_stack: NewStack,
) -> None:
    stack = new_stack(rotation=None, events=None)
    stack.apply()
    place = replace(stack.account.place, region="us-east-1")
    elsewhere = stack.changed(place=place)
    for work in (elsewhere.apply, elsewhere.destroy):
        with pytest.raises(OperatorError, match="is not of this stack"):
            work()
    stack.destroy()


def test_a_bucket_of_another_account_is_neither_written_to_nor_emptied(
    new_stack: NewStack,
) -> None:
    stack = new_stack(rotation=None)
    asked: list[dict[str, str]] = []
    stack.changed(calls=Noting(stack.account.calls, asked)).apply()
    stack.changed(calls=Noting(stack.account.calls, asked)).destroy()
    unguarded = {each["operation"] for each in asked if "ExpectedBucketOwner" not in each}
    assert {each["operation"] for each in asked} > unguarded == {"create_bucket"}
    owners = {each.get("ExpectedBucketOwner") for each in asked}
    assert owners == {None, stack.account.place.account}


@dataclass
class Noting:
    """Calls that note what S3 is asked."""

    calls: Calls
    asked: list[dict[str, str]]

    def ask(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        if service == "s3":
            self.asked.append({"operation": operation, **arguments})
        return self.calls.ask(service, operation, **arguments)

    def listed(self, service: str, operation: str, member: str, **arguments: Any) -> list[Any]:
        if service == "s3":
            self.asked.append({"operation": operation, **arguments})
        return self.calls.listed(service, operation, member, **arguments)


def test_a_trust_anchor_of_the_same_name_is_not_taken_for_ours(
    new_stack: NewStack, bundle: str
) -> None:
    stack = new_stack()
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": bundle}}
    name = f"{stack.account.stack}-anchor"
    stack.account.ask("rolesanywhere", "create_trust_anchor", name=name, source=source)
    with pytest.raises(OperatorError, match="is not of this stack"):
        stack.plan()
