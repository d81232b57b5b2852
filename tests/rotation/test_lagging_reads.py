"""What AWS answers may be older than what was done a moment ago; no key is lost by that."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from sidecar.errors import SidecarError
from sidecar.rotation.event import Step
from sidecar.rotation.runner import Runner
from sidecar.rotation.stuck import RotationNotYet
from tests.rotation.model import Aws, Process
from tests.rotation.scenario import Scenario


@pytest.fixture
def scenario() -> Scenario:
    """Give a user with one key, whose secret a sidecar rotates."""
    aws = Aws.with_key()
    aws.rotation_enabled = False
    return Scenario(aws)


def test_a_value_that_is_older_than_the_description_stops_a_rotation(scenario: Scenario) -> None:
    stale = scenario.aws.labels["AWSCURRENT"]
    assert scenario.by_a_sidecar(), scenario.failures
    process = scenario.process()
    own = process._value

    def lagging(stage: str, version_id: str | None) -> Any:
        found = own(stage, version_id)
        if stage != "AWSCURRENT" or found is None:
            return found
        return replace(found, version_id=stale)

    process._value = lagging  # type: ignore[method-assign]
    with pytest.raises(RotationNotYet, match="is being moved"):
        scenario.keeper(process).rotate()
    scenario.aws.check()


def test_a_new_key_that_the_test_does_not_see_does_not_become_current(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, steps = scenario.process(), [Step.CREATE]
    own_run, own_describe = Runner.run, process._describe

    def run(runner: Runner, step: Step) -> str:
        steps.append(step)
        return own_run(runner, step)

    def lagging() -> Any:
        facts = own_describe()
        if steps[-1] not in (Step.SET, Step.TEST):
            return facts
        older = {key: tuple(set(each) - {"AWSPENDING"}) for key, each in facts.labels.items()}
        return replace(facts, labels=older)

    monkeypatch.setattr(Runner, "run", run)
    process._describe = lagging  # type: ignore[method-assign]
    before = scenario.aws.labels["AWSCURRENT"]
    with pytest.raises(RotationNotYet, match="has no value yet"):
        scenario.keeper(process).rotate()
    assert scenario.aws.labels["AWSCURRENT"] == before


def test_a_key_just_stored_survives_looks_that_do_not_show_it(scenario: Scenario) -> None:
    process = scenario.process()
    own, missed = process._value, list[str]()

    def lagging(stage: str, version_id: str | None) -> Any:
        found = own(stage, version_id)
        if stage == "AWSPENDING" and found is not None and len(missed) < 2:
            missed.append(stage)
            return None
        return found

    process._value = lagging  # type: ignore[method-assign]
    with pytest.raises(SidecarError):
        scenario.keeper(process).rotate()
    assert scenario.aws.gone == {}
    assert scenario.keeper(Process(scenario.aws), "another").rotate()


def test_an_attempt_that_was_held_up_makes_no_key(scenario: Scenario) -> None:
    process, aws = scenario.process(), scenario.aws
    own = process.tag

    def slow(secret: str, key: str, value: str) -> None:
        own(secret, key, value)
        aws.pass_(minutes=2)

    process.tag = slow  # type: ignore[method-assign]
    began: datetime = aws.now
    with pytest.raises(RotationNotYet, match="held up"):
        scenario.keeper(process).rotate()
    assert all(key.created_at < began for key in aws.keys.values())
