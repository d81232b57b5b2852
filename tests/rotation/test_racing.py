"""Two rotators at once: one is stopped right before a call, the other works meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest

from sidecar.errors import SidecarError
from tests.rotation.model import Aws, Process
from tests.rotation.scenario import Scenario

STARTS: Final[Mapping[str, Callable[[], Aws]]] = {
    "no key": Aws.empty,
    "one key": Aws.with_key,
    "two keys": Aws.with_two_keys,
}


def local(start: str) -> Scenario:
    """Set up a secret that no Lambda rotates."""
    aws = STARTS[start]()
    aws.rotation_enabled = False
    return Scenario(aws)


def calls_of(start: str) -> int:
    """Count the calls of a rotation that nobody disturbs."""
    scenario = local(start)
    assert scenario.by_a_sidecar()
    return scenario.counter[0]


def calls_before_the_lease(start: str) -> int:
    """Count the looks before the lease is put; who is stopped there may rotate after the other."""
    scenario = local(start)
    process = scenario.process()
    scenario.keeper(process).rotate()
    return process.log.index("put")


CALLS: Final = [(start, number) for start in STARTS for number in range(calls_of(start))]


def outcome(work: Callable[[], object]) -> str:
    """Run something, and say how it ended."""
    try:
        work()
    except SidecarError as error:
        return error.message
    return "done"


def interrupted(scenario: Scenario, number: int, meanwhile: Callable[[], object]) -> str:
    """Rotate, and let something else happen right before a call is carried out."""
    once = iter([meanwhile])

    def at(count: int) -> None:
        if count == number:
            next(once, lambda: None)()

    keeper = scenario.keeper(scenario.process(at), "the stopped one")
    return outcome(keeper.rotate)


def is_mended_by_the_next(scenario: Scenario) -> None:
    """Rotate a month later: then there are the current key and the previous one, and no other."""
    scenario.aws.pass_(days=30)
    assert scenario.by_a_sidecar(), scenario.failures
    named = {scenario.aws.named_by(each) for each in ("AWSCURRENT", "AWSPREVIOUS")}
    assert set(scenario.aws.keys) <= named
    assert scenario.aws.named_by("AWSCURRENT") in scenario.aws.keys


@pytest.mark.parametrize(("start", "number"), CALLS)
def test_one_that_stalls_for_long_breaks_nothing_of_the_other_s(start: str, number: int) -> None:
    scenario, told = local(start), []

    def other() -> None:
        scenario.aws.pass_(minutes=16)
        told.append(outcome(scenario.keeper(Process(scenario.aws), "the other").rotate))

    interrupted(scenario, number, other)
    assert len(told) == 1
    is_mended_by_the_next(scenario)


@pytest.mark.parametrize(("start", "number"), CALLS)
def test_of_two_at_once_one_rotates(start: str, number: int) -> None:
    scenario, told = local(start), []
    before = scenario.aws.labels["AWSCURRENT"]

    def other() -> None:
        told.append(outcome(scenario.keeper(Process(scenario.aws), "the other").rotate))

    told.append(interrupted(scenario, number, other))
    may_both = number < calls_before_the_lease(start)
    assert told.count("done") == 1 or may_both, told
    assert scenario.aws.labels["AWSCURRENT"] != before
    is_mended_by_the_next(scenario)


@pytest.mark.parametrize(("start", "number"), CALLS)
def test_a_reaper_and_a_restoring_at_once_leave_the_current_key_alive(
    start: str, number: int
) -> None:
    scenario, told = local(start), []
    keeper = scenario.keeper(Process(scenario.aws), "the other")

    def other() -> None:
        scenario.aws.pass_(minutes=16)
        told.append(outcome(keeper.restore))
        outcome(replace(keeper, holder="the reaper").reap)

    interrupted(scenario, number, other)
    scenario.aws.check()
    # There is something to go back to, unless the one that was stopped holds it or is half through.
    assert told == ["done"] or start != "two keys" or "is there" not in told[0]
