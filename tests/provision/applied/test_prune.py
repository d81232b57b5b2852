"""What was switched off is found, and taken away as if it had never been; nobody else's is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from sidecar.aws.administrator import AdministratorCalls
from sidecar.emulator.server import Emulator
from sidecar.errors import OperatorError, UpstreamRefused
from sidecar.provision.account import Account, Calls
from sidecar.provision.applying import destroy
from sidecar.provision.leftovers import LeftOver, left_over
from sidecar.provision.showing import left_over_lines
from sidecar.provision.wish import Rotation, Wish
from tests.provision.applied.stack import (
    Mortal,
    Stack,
    full_wish,
    lazy_zip,
    stack_of,
    until_done,
)

MadeOf = Callable[[Wish], Stack]


@pytest.fixture
def full(fresh_stack_name: str, bundle: str, revoked: str) -> Wish:
    return full_wish(fresh_stack_name, bundle, revoked)


@pytest.fixture
def bare(full: Wish) -> Wish:
    """Give the same wish with everything switched off."""
    return replace(full, rotation=None, events=None, revocation_list=None)


@pytest.fixture
def made_of(administrator: AdministratorCalls, provisioned_emulator: Emulator) -> MadeOf:
    """Give a function that makes the stack of a wish."""

    def make(wish: Wish) -> Stack:
        stack = stack_of(wish, administrator, provisioned_emulator.region, lazy_zip())
        stack.apply()
        provisioned_emulator.wait_for_rotations()
        return stack

    return make


def _refs(over: LeftOver) -> set[str]:
    return {found.ref for _, found, _ in over.things}


def _prune(account: Account, wish: Wish) -> None:
    destroy(account, left_over(account, wish).things)


def test_what_was_switched_off_is_pruned_to_what_never_had_it(
    full: Wish, bare: Wish, made_of: MadeOf
) -> None:
    never = made_of(bare).inventory()
    stack = made_of(full)
    assert len(stack.inventory()) > len(never) + 12
    assert left_over(stack.account, full).things == ()
    made_of(bare)
    _prune(stack.account, bare)
    assert stack.inventory() == never
    assert left_over(stack.account, bare) == LeftOver(())


def test_a_pruning_that_dies_after_each_of_its_changes_ends_the_same(
    full: Wish, bare: Wish, made_of: MadeOf
) -> None:
    stack = made_of(full)
    mortal = replace(stack.account, calls=Mortal(stack.account.calls))
    assert until_done(lambda: _prune(mortal, bare)) > 12
    made_of(bare)
    left = {each.split()[0] for each in stack.inventory()}
    assert left == {"iam", "rolesanywhere"}


def test_a_user_and_a_secret_of_other_names_are_left_over(
    full: Wish, bare: Wish, made_of: MadeOf
) -> None:
    name = full.name
    stack = made_of(replace(full, events=None))
    other = Rotation(user_name=f"{name}-new", secret_name=f"{name}/new", code_bucket="unused")
    wish = replace(bare, rotation=other, revocation_list=full.revocation_list)
    made_of(wish)
    kinds = [wanted.type for wanted, _, _ in left_over(stack.account, wish).things]
    secret = "AWS::SecretsManager::"
    assert kinds == [f"{secret}RotationSchedule", f"{secret}Secret", "AWS::IAM::User"]
    _prune(stack.account, wish)
    assert "iam STACK-user" not in stack.inventory()
    assert {"iam STACK-new", "secretsmanager STACK/new"} <= set(stack.inventory())


def test_a_user_of_before_stays_with_keys_of_which_the_secret_may_hold_one(
    full: Wish, made_of: MadeOf
) -> None:
    name = full.name
    stack = made_of(replace(full, events=None))
    user = {"UserName": f"{name}-user"}
    key = stack.account.ask("iam", "create_access_key", **user)["AccessKey"]["AccessKeyId"]
    other = Rotation(user_name=f"{name}-new", secret_name=f"{name}/key", code_bucket="unused")
    wish = replace(full, events=None, rotation=other)
    over = left_over(stack.account, wish)
    _, told = left_over_lines(over)
    assert told.startswith(f"in the way of a pruning: secret {name}/key may still hold a key")
    with pytest.raises(OperatorError, match="may still hold a key of user"):
        over.refuse_kept()
    stack.account.ask("iam", "delete_access_key", AccessKeyId=key, **user)
    over = left_over(stack.account, wish)
    over.refuse_kept()
    assert _refs(over) == {f"{name}-user"}


def test_who_is_let_in_again_without_a_list_of_the_revoked_is_said(
    full: Wish, made_of: MadeOf
) -> None:
    stack = made_of(replace(full, events=None, rotation=None))
    bare = replace(full, events=None, rotation=None, revocation_list=None)
    [line, _] = left_over_lines(left_over(stack.account, bare))
    assert line.endswith("lost with it: its revocations: who is on it gets in again")


def test_what_lacks_the_tag_stays_with_all_that_is_put_on_it(bare: Wish, made_of: MadeOf) -> None:
    stack = made_of(bare)
    name, ask = bare.name, stack.account.ask
    url = ask("sqs", "create_queue", QueueName=f"{name}-changes")["QueueUrl"]
    policy = '{"Version": "2012-10-17", "Statement": []}'
    ask("sqs", "set_queue_attributes", QueueUrl=url, Attributes={"Policy": policy})
    ask("iam", "create_user", UserName=f"{name}-user")
    ask("iam", "create_role", RoleName=f"{name}-rotation", AssumeRolePolicyDocument=policy)
    ask("secretsmanager", "create_secret", Name=f"{name}/key", SecretString="mine")
    before = stack.inventory()
    assert left_over(stack.account, bare) == LeftOver(())
    _prune(stack.account, bare)
    assert stack.inventory() == before


def test_a_stack_of_another_name_leaves_nothing_over_here(
    full: Wish, bare: Wish, made_of: MadeOf
) -> None:
    stack = made_of(replace(full, events=None))
    other = stack_of(replace(bare, name=f"{bare.name}y"), stack.account.calls, "eu-central-1", b"")
    assert left_over(other.account, replace(bare, name=f"{bare.name}y")) == LeftOver(())


@dataclass
class Refusing:
    """Calls of somebody who may not look at users or queues."""

    calls: Calls

    def ask(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        if service == "sqs":
            raise UpstreamRefused("not you", status=403, code="AccessDenied")
        return self.calls.ask(service, operation, **arguments)

    def listed(self, service: str, operation: str, member: str, **arguments: Any) -> list[Any]:
        if operation == "get_account_authorization_details":
            raise UpstreamRefused("not you", status=403, code="AccessDenied")
        return self.calls.listed(service, operation, member, **arguments)


def test_where_aws_does_not_let_us_look_the_rest_is_shown_and_that_is_said(
    full: Wish, bare: Wish, made_of: MadeOf
) -> None:
    stack = made_of(full)
    over = left_over(replace(stack.account, calls=Refusing(stack.account.calls)), bare)
    assert set(over.unseen) == {"AWS::IAM::User", "AWS::SQS::Queue"}
    assert f"{full.name}-rotation" in _refs(over)
