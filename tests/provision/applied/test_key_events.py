"""A change of the user's keys is told where IAM's events are, or where they are sent on to."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import pytest

from sidecar.aws.administrator import AdministratorCalls
from sidecar.emulator.server import Emulator
from sidecar.provision.key_events import key_event_resources
from sidecar.provision.wish import Events
from tests.provision.applied.stack import Stack

NewStack = Callable[..., Stack]
Told = Callable[[Stack, str], list[tuple[str, str]]]
_FEW: Final = Events(queue=False, alarms=False)


@pytest.fixture(scope="module")
def first_region(
    administrator: AdministratorCalls, provisioned_emulator: Emulator
) -> AdministratorCalls:
    """Give the administrator's calls in the region that has IAM's events."""
    del administrator  # whose credentials are the ambient ones as long as it is there
    return AdministratorCalls("us-east-1", provisioned_emulator.url)


@pytest.fixture
def told(provisioned_emulator: Emulator) -> Iterator[Told]:
    """Give a function that makes a key for a user, and says which rule told which target of it."""

    def change(stack: Stack, user: str) -> list[tuple[str, str]]:
        provisioned_emulator.wait_for_rotations()
        provisioned_emulator.clear_events()
        stack.account.ask("iam", "create_access_key", UserName=user)
        provisioned_emulator.wait_for_events()
        return [
            (delivery["sender"].split("/")[-1], delivery["receiver"].split(":")[-1])
            for event in provisioned_emulator.events()["events"]
            for delivery in event["deliveries"]
            if event["source"] == "aws.iam" and not delivery["problem"]
        ]

    yield change
    provisioned_emulator.clear_events()


def _user(stack: Stack) -> str:
    return f"{stack.account.stack}-user"


def test_in_us_east_1_a_new_key_of_the_user_is_told_and_another_users_is_not(
    new_stack: NewStack, first_region: AdministratorCalls, told: Told
) -> None:
    stack = new_stack(calls=first_region, events=_FEW)
    stack = stack.changed(place=replace(stack.account.place, region="us-east-1"))
    stack.apply()
    name = stack.account.stack
    assert told(stack, _user(stack)) == [(f"{name}-keys", f"{name}-events")]
    stack.account.ask("iam", "create_user", UserName=f"{name}-user2")
    assert told(stack, f"{name}-user2") == []


def test_elsewhere_it_is_told_only_where_it_is_sent_on(
    new_stack: NewStack, first_region: AdministratorCalls, told: Told
) -> None:
    stack = new_stack(events=_FEW)
    stack.apply()
    name, home = stack.account.stack, stack.account.place.region
    assert told(stack, _user(stack)) == []
    onward = stack.changed(
        calls=first_region, place=replace(stack.account.place, region="us-east-1")
    )
    parameters = {**stack.parameters, "HomeRegion": home}
    onward = replace(onward, resources=key_event_resources(), parameters=parameters)
    onward.apply()
    assert told(stack, _user(stack)) == [
        (f"{name}-keys-onward", "event-bus/default"),
        (f"{name}-keys", f"{name}-events"),
    ]
