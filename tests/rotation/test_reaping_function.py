"""The reaping function and somebody who restores: applications never get a dead key."""

from collections.abc import Callable
from datetime import datetime

import pytest

from sidecar.rotation.goal import Retirement
from sidecar.rotation.lambda_handler import Settings, reap_as_function
from tests.rotation.model import Aws, Process
from tests.rotation.scenario import TARGET, Scenario
from tests.rotation.test_racing import outcome

RULES = Retirement()


def overdue(*, by_secrets_manager: bool = False) -> Scenario:
    """Give a user whose previous key could be made inactive at any moment."""
    scenario = Scenario(Aws.with_two_keys())
    scenario.aws.rotation_enabled = by_secrets_manager
    reap(scenario, scenario.process())
    scenario.aws.pass_(days=2)
    return scenario


def reap(scenario: Scenario, process: Process) -> None:
    def now() -> datetime:
        return scenario.aws.now

    reap_as_function(process, Settings(TARGET, RULES, "eu-central-1"), now)


def test_it_retires_a_key_that_secrets_manager_replaced_without_a_lease() -> None:
    scenario = overdue(by_secrets_manager=True)
    reap(scenario, scenario.process())
    previous = str(scenario.aws.named_by("AWSPREVIOUS"))
    assert not scenario.aws.keys[previous].active
    assert not [each for each in scenario.aws.labels if each.startswith("SIDECAR")]


def together(number: int, first: Callable[[Scenario, Process], object]) -> Scenario:
    """Restore, and let the function run right before a call, or the other way round."""
    scenario = overdue()
    began = scenario.counter[0]

    def restore() -> str:
        return outcome(scenario.keeper(Process(scenario.aws), "somebody").restore)

    def reaping() -> str:
        return outcome(lambda: reap(scenario, Process(scenario.aws)))

    def at(count: int) -> None:
        if count - began == number:
            restore() if first is reap else reaping()

    outcome(lambda: first(scenario, scenario.process(at)))
    return scenario


@pytest.mark.parametrize("number", range(30))
def test_one_that_runs_within_a_restore_or_around_it_kills_nothing(number: int) -> None:
    def restoring(scenario: Scenario, process: Process) -> object:
        return scenario.keeper(process, "somebody").restore()

    for first in (reap, restoring):
        together(number, first).aws.check()


def test_a_restore_alone_and_a_reaping_alone_go_through() -> None:
    scenario = overdue()
    assert outcome(scenario.keeper(scenario.process(), "somebody").restore) == "done"
    scenario = overdue()
    assert outcome(lambda: reap(scenario, scenario.process())) == "done"
    previous = str(scenario.aws.named_by("AWSPREVIOUS"))
    assert not scenario.aws.keys[previous].active
