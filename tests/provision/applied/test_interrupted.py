"""Whatever call a run dies after, the next one goes on from there."""

from collections.abc import Callable
from typing import Any

from sidecar.aws.administrator import AdministratorCalls
from sidecar.provision.planning import Action
from tests.provision.applied.stack import Mortal, Stack, inventory, until_done

NewStack = Callable[..., Stack]


def test_an_apply_that_dies_after_each_change_ends_as_one_that_lives(
    new_stack: NewStack, administrator: AdministratorCalls
) -> None:
    whole, dying = new_stack(), new_stack(Mortal(administrator))
    whole.apply()
    assert until_done(dying.apply) > len(dying.resources)
    assert dying.inventory() == whole.inventory()
    assert _described(dying) == _described(whole)


def test_a_destruction_that_dies_after_each_change_leaves_nothing(
    new_stack: NewStack, administrator: AdministratorCalls
) -> None:
    before = inventory(administrator)
    stack = new_stack()
    stack.apply()
    dying = stack.changed(calls=Mortal(administrator))
    assert until_done(dying.destroy) > len(dying.resources) / 2
    assert inventory(administrator) == before


def _described(stack: Stack) -> Any:
    steps = stack.plan()
    assert {each.action for each in steps} == {Action.LEAVE}
    return [each.wanted.logical_id for each in steps]
