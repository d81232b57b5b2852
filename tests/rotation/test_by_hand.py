"""What people do by hand beside a rotation: labels moved, keys made, permissions not given."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest

from sidecar.errors import UpstreamRefused
from sidecar.redaction import Secret
from sidecar.rotation.attempt import ATTEMPT_TAG
from sidecar.rotation.calls import NewKey
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.lease import HELD, LEASE
from sidecar.rotation.seen import LastUse
from sidecar.rotation.stuck import RotationNotYet, RotationStuck
from tests.rotation.model import USER, Aws, Process, Version
from tests.rotation.scenario import Scenario

CHANGES: Final = {"put", "create_key", "set_active", "delete_key", "tag"}
RELEASE: Final = f"move {HELD}"
MOVES: Final = {RELEASE, "move AWSCURRENT", "move AWSPENDING"}


@pytest.fixture
def scenario() -> Scenario:
    """Give a user with two keys, whose secret a sidecar rotates; the first is the previous one."""
    aws = Aws.with_two_keys()
    aws.rotation_enabled = False
    return Scenario(aws)


def changes(process: Process) -> list[str]:
    """Name the calls of a process that change something."""
    return [each for each in process.log if each in CHANGES | MOVES]


def at_call(scenario: Scenario, name: str, work: Callable[[], object]) -> Keeper:
    """Give a keeper during whose first call of a name something else happens."""
    process = scenario.process()
    once = iter([work])

    def at(_: int) -> None:
        if name in process.log:
            next(once, lambda: None)()

    process.at = at
    return scenario.keeper(process)


def test_a_key_that_took_the_last_place_right_before_ours_is_left_alone() -> None:
    aws = Aws.with_key()
    aws.rotation_enabled = False
    process, made = Process(aws), []
    own = process.create_key

    def too_late(user_name: str) -> NewKey:
        made.append(aws.new_key())
        return own(user_name)

    process.create_key = too_late  # type: ignore[method-assign]
    with pytest.raises(RotationStuck, match="no version of the secret names"):
        Scenario(aws).keeper(process).rotate()
    assert aws.keys[made[0]].active


def test_a_key_made_by_hand_after_ours_was_refused_is_left_alone() -> None:
    aws = Aws.with_key()
    aws.rotation_enabled = False
    process = Process(aws)

    def denied(user_name: str) -> NewKey:
        raise UpstreamRefused("no", code="AccessDenied", status=403)

    process.create_key = denied  # type: ignore[method-assign]
    with pytest.raises(UpstreamRefused):
        Scenario(aws).keeper(process).rotate()
    aws.pass_(minutes=3)
    mine = aws.new_key()
    with pytest.raises(RotationStuck, match="no version of the secret names"):
        Scenario(aws).keeper(Process(aws)).rotate()
    assert aws.keys[mine].active


def test_a_key_that_was_current_a_moment_ago_is_nobody_s_orphan(scenario: Scenario) -> None:
    aws = scenario.aws
    assert scenario.by_a_sidecar(), scenario.failures
    live = str(aws.named_by("AWSCURRENT"))
    aws.pass_(days=10)
    scenario.keeper(scenario.process()).restore()
    aws.store("e" * 32, str(aws.named_by("AWSCURRENT")), "AWSCURRENT")  # another member is edited
    aws.pass_(minutes=1)
    with pytest.raises(RotationStuck, match="no version of the secret names"):
        scenario.keeper(scenario.process()).rotate()
    assert aws.keys[live].active


def test_an_edit_within_the_grace_stops_the_next_rotation_and_says_the_way_on(
    scenario: Scenario,
) -> None:
    aws = scenario.aws
    assert scenario.by_a_sidecar(), scenario.failures
    replaced = aws.labels["AWSPREVIOUS"]
    aws.store("e" * 32, str(aws.named_by("AWSCURRENT")), "AWSCURRENT")
    aws.pass_(days=30)
    with pytest.raises(RotationStuck) as refused:
        scenario.keeper(scenario.process()).rotate()
    assert "AWSPREVIOUS" in refused.value.hint
    aws.attach("AWSPREVIOUS", replaced)
    assert scenario.by_a_sidecar(), scenario.failures


def test_a_key_replaced_by_hand_a_minute_ago_gives_no_place(scenario: Scenario) -> None:
    aws = scenario.aws
    live = str(aws.named_by("AWSCURRENT"))
    aws.keys[live].used = LastUse(aws.now - timedelta(hours=30), "s3")
    aws.attach("AWSCURRENT", aws.labels["AWSPREVIOUS"])
    aws.pass_(minutes=1)
    with pytest.raises(RotationNotYet, match="is in its grace"):
        scenario.keeper(scenario.process()).rotate()
    assert aws.keys[live].active


def test_a_leaked_key_that_was_shut_out_is_not_revived(scenario: Scenario) -> None:
    aws = scenario.aws
    del aws.keys[str(aws.named_by("AWSPREVIOUS"))]
    leaked = aws.new_key()
    aws.keys[leaked].active = False
    aws.pass_(days=1)
    aws.store("p" * 32, leaked, "AWSPENDING")
    with pytest.raises(RotationStuck, match="somebody made inactive"):
        scenario.keeper(scenario.process()).rotate()
    assert not aws.keys[leaked].active


def test_a_key_that_was_activated_again_forgets_since_when_it_was_inactive(
    scenario: Scenario,
) -> None:
    aws, keeper = scenario.aws, scenario.keeper(scenario.process())
    previous = str(aws.named_by("AWSPREVIOUS"))
    _days(aws, keeper, 3)
    assert not aws.keys[previous].active
    aws.keys[previous].active = True
    for _ in range(4 * 24):
        aws.keys[previous].used = LastUse(aws.now, "s3")
        aws.pass_(hours=1)
        keeper.reap()
    aws.keys[previous].active = False
    _days(aws, keeper, 6)
    assert previous in aws.keys
    _days(aws, keeper, 6)
    assert previous not in aws.keys


def _days(aws: Aws, keeper: Keeper, number: int) -> None:
    for _ in range(number):
        aws.pass_(days=1)
        keeper.reap()


def test_a_secret_that_changes_during_an_adoption_s_trial_is_not_overwritten() -> None:
    aws = Aws.empty()
    aws.rotation_enabled = False
    scenario, made = Scenario(aws), aws.new_key()

    def edited() -> None:
        text = json.dumps({"user_name": USER, "note": "edited"})
        aws.versions["e" * 32] = Version(aws.now, text)
        aws.attach("AWSCURRENT", "e" * 32)

    keeper = at_call(scenario, "user_of", edited)
    with pytest.raises(RotationNotYet, match="changed meanwhile"):
        keeper.adopt(NewKey(made, Secret(aws.keys[made].secret)))
    assert aws.labels["AWSCURRENT"] == "e" * 32


@pytest.mark.parametrize("version", [None, "an older one"])
def test_a_lease_s_label_that_was_taken_away_or_moved_back_stops_nobody_for_long(
    scenario: Scenario, version: str | None
) -> None:
    labels = scenario.aws.labels
    older = ""
    for _ in range(3):
        scenario.keeper(scenario.process()).reap()
        scenario.aws.pass_(days=30)
        assert scenario.by_a_sidecar(), scenario.failures
        older = older or labels[LEASE]
    del labels[LEASE]
    if version is not None:
        labels[LEASE] = older
    scenario.aws.pass_(days=30)
    assert scenario.by_a_sidecar(), scenario.failures
    assert HELD not in labels


def test_a_lease_whose_label_was_taken_away_still_holds_for_its_time(scenario: Scenario) -> None:
    with scenario.keeper(scenario.process(), "the holder")._lease():
        del scenario.aws.labels[LEASE]
        with pytest.raises(RotationNotYet, match="is taken just now"):
            scenario.keeper(scenario.process()).rotate()


def test_a_key_made_by_hand_after_a_rotation_is_nobody_s_orphan(scenario: Scenario) -> None:
    assert scenario.by_a_sidecar(), scenario.failures
    del scenario.aws.keys[str(scenario.aws.named_by("AWSPREVIOUS"))]
    scenario.aws.pass_(minutes=1)
    mine = scenario.aws.new_key()
    with pytest.raises(RotationStuck, match="no version of the secret names"):
        scenario.keeper(scenario.process()).rotate()
    assert scenario.aws.keys[mine].active


def test_who_may_not_note_an_attempt_rotates_all_the_same(scenario: Scenario) -> None:
    process = scenario.process()

    def denied(secret: str, key: str, value: str) -> None:
        raise UpstreamRefused("no", code="AccessDeniedException", status=400)

    process.tag = denied  # type: ignore[method-assign]
    scenario.keeper(process).rotate()
    assert ATTEMPT_TAG not in scenario.aws.tags
    assert scenario.aws.made == 3


@pytest.mark.parametrize("work", ["rotate", "restore"])
def test_a_secret_without_a_value_gets_no_lease(scenario: Scenario, work: str) -> None:
    scenario.aws.labels.clear()
    process = scenario.process()
    with pytest.raises(RotationStuck, match="has no value"):
        getattr(scenario.keeper(process), work)()
    assert changes(process) == []


def test_a_rotation_that_is_stuck_takes_no_lease(scenario: Scenario) -> None:
    del scenario.aws.keys[str(scenario.aws.named_by("AWSPREVIOUS"))]
    scenario.aws.new_key()
    process = scenario.process()
    with pytest.raises(RotationStuck):
        scenario.keeper(process).rotate()
    assert changes(process) == []


@pytest.mark.parametrize(
    "meddle",
    [
        lambda aws: setattr(aws.keys[aws.named_by("AWSPREVIOUS")], "active", False),
        lambda aws: aws.attach("AWSCURRENT", "w" * 32),
        lambda aws: aws.attach("AWSPENDING", "left" * 9),
    ],
)
def test_what_changes_during_a_restore_s_trial_stops_it(
    scenario: Scenario, meddle: Callable[[Aws], object]
) -> None:
    def during() -> None:
        meddle(scenario.aws)

    keeper = at_call(scenario, "user_of", during)
    with pytest.raises(
        (RotationStuck, RotationNotYet), match=r"meanwhile|work yet|no previous|under way"
    ):
        keeper.restore()
    scenario.aws.check()


def run(work: str, stalls_at: int | None = None) -> list[str]:
    """Restore or adopt, perhaps stalling past the lease before a call; give the calls."""
    aws = Aws.with_two_keys() if work == "restore" else Aws.empty()
    aws.rotation_enabled = False
    given = []
    if work == "adopt":
        made = aws.new_key()
        given = [NewKey(made, Secret(aws.keys[made].secret))]
    process = Process(aws, at=lambda number: aws.pass_(minutes=11 * (number == stalls_at)))
    with suppress(RotationNotYet):
        getattr(Scenario(aws).keeper(process), work)(*given)
    return process.log


@pytest.mark.parametrize("work", ["restore", "adopt"])
def test_whose_lease_is_over_changes_nothing_more(work: str) -> None:
    undisturbed = run(work)
    leased = undisturbed.index("put")
    assert len([each for each in undisturbed[leased + 1 :] if each in CHANGES | MOVES]) > 1
    for number in range(leased, len(undisturbed)):
        log = run(work, number)
        after = [each for each in log[number + 1 :] if each in CHANGES | MOVES - {RELEASE}]
        assert after == [], (number, log)
