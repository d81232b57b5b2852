"""A rotation may be killed at any call: no live key is lost, and the next attempt mends it all."""

import os
import random
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from sidecar.rotation.attempt import ATTEMPT_TAG
from sidecar.rotation.retirement import RECORD_TAG
from tests.rotation.model import Aws, Broken
from tests.rotation.scenario import Scenario, delete_the_oldest

STARTS: Final[Mapping[str, Callable[[], Aws]]] = {
    "no key": Aws.empty,
    "one key": Aws.with_key,
    "two keys": Aws.with_two_keys,
}
ROTATE: Final[Mapping[str, tuple[Callable[[Scenario], bool], bool]]] = {
    "same token": (Scenario.by_secrets_manager, False),
    "new token": (Scenario.by_secrets_manager, True),
    "sidecar": (Scenario.by_a_sidecar, False),
}


def calls_of(start: str, how: str) -> int:
    """Count the calls of a rotation in which nobody dies."""
    scenario = Scenario(STARTS[start]())
    assert ROTATE[how][0](scenario)
    return scenario.counter[0]


SINGLE: Final = [
    (start, how, number, when)
    for start in STARTS
    for how in ROTATE
    for number in range(calls_of(start, how))
    for when in ("before", "after")
]


# `make nightly` has thousands.
TRIPLES: Final = int(os.environ.get("CRASH_TRIPLES", "300"))


def _triples(how_many: int) -> list[tuple[str, str, int]]:
    pick = random.Random(6)
    return [
        (pick.choice(list(STARTS)), pick.choice(list(ROTATE)), pick.randrange(10**9))
        for _ in range(how_many)
    ]


def ends_well(scenario: Scenario, how: str) -> None:
    """Rotate with deaths, and once more without; the calls themselves check what holds always."""
    rotate, scenario.new_token = ROTATE[how]
    assert rotate(scenario), scenario.failures
    named = scenario.aws.named_by("AWSCURRENT")
    assert named is not None
    scenario.aws.pass_(days=30)
    scenario.deaths = {}
    assert rotate(scenario), scenario.failures
    current, previous = (scenario.aws.named_by(each) for each in ("AWSCURRENT", "AWSPREVIOUS"))
    assert (previous, set(scenario.aws.keys)) == (named, {current, previous})


@pytest.mark.parametrize(("start", "how", "number", "when"), SINGLE)
def test_a_death_at_any_call_is_mended(start: str, how: str, number: int, when: str) -> None:
    ends_well(Scenario(STARTS[start](), {number: when}), how)


@pytest.mark.parametrize(("start", "how", "seed"), _triples(TRIPLES))
def test_three_deaths_in_a_rotation_are_mended(start: str, how: str, seed: int) -> None:
    pick = random.Random(seed)
    most = 3 * calls_of(start, how)
    deaths = {pick.randrange(most): pick.choice(["before", "after"]) for _ in range(3)}
    ends_well(Scenario(STARTS[start](), deaths), how)


@pytest.mark.parametrize("drops_pending", [False, True])
def test_a_rotation_leaves_no_label_and_notes_its_moment_whatever_aws_does_with_the_label(
    drops_pending: bool,
) -> None:
    scenario = Scenario(Aws.with_key())
    scenario.aws.drops_pending = drops_pending
    assert scenario.by_a_sidecar(), scenario.failures
    assert "AWSPENDING" not in scenario.aws.labels
    assert set(scenario.aws.tags) == {ATTEMPT_TAG, RECORD_TAG}


def test_the_same_harness_finds_that_deleting_the_oldest_key_kills_the_live_one() -> None:
    broken = 0
    for start, how, number, when in SINGLE:
        if how == "sidecar":
            continue
        try:
            ends_well(Scenario(STARTS[start](), {number: when}, run_step=delete_the_oldest), how)
        except Broken:
            broken += 1
        except AssertionError:
            pass
    assert broken > 0


def test_there_are_as_many_scenarios_as_promised() -> None:
    assert len(SINGLE) + TRIPLES >= 500
