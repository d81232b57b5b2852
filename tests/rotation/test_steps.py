"""Each step's decision, from what is seen alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sidecar.errors import SidecarError
from sidecar.rotation.action import (
    Action,
    CreateKey,
    DeleteKey,
    Done,
    DropPending,
    MoveCurrent,
    SetActive,
    TryKey,
)
from sidecar.rotation.attempt import ATTEMPT_TAG, Attempt
from sidecar.rotation.event import Step
from sidecar.rotation.goal import Retirement
from sidecar.rotation.retirement import RECORD_TAG, Record
from sidecar.rotation.seen import LastUse, Seen
from sidecar.rotation.steps import next_action
from sidecar.rotation.stuck import RotationNotYet, RotationStuck
from tests.rotation.views import (
    BEGAN,
    CURRENT,
    GOAL,
    NOW,
    OTHER,
    PENDING,
    PREVIOUS,
    TOKEN,
    key,
    seen,
    stored,
    used,
)

LATER = NOW + timedelta(minutes=10)
OLD = NOW - timedelta(days=30)
STORED = stored(TOKEN, PENDING)
BEFORE = stored("v" * 36, PREVIOUS, OLD)


def kind(step: Step, view: Seen, **more: object) -> type[Action]:
    return type(next_action(step, replace(GOAL, **more), view, NOW))  # type: ignore[arg-type]


def hours(number: int) -> timedelta:
    return timedelta(hours=number)


def noted(attempt: Attempt) -> dict[str, str]:
    return {ATTEMPT_TAG: str(attempt)}


def refused(step: Step, view: Seen, **more: object) -> SidecarError:
    with pytest.raises((RotationStuck, RotationNotYet)) as found:
        next_action(step, replace(GOAL, **more), view, NOW)  # type: ignore[arg-type]
    return found.value


@pytest.mark.parametrize(
    ("step", "view", "action"),
    [
        (Step.CREATE, seen(key(CURRENT)), CreateKey),
        (Step.CREATE, seen(key(CURRENT), key(PENDING), pending=STORED), Done),
        (Step.CREATE, seen(key(CURRENT), key(PREVIOUS), previous=BEFORE), DeleteKey),
        (Step.CREATE, seen(key(CURRENT), key(OTHER)), SetActive),
        (Step.CREATE, seen(key(CURRENT), key(OTHER, active=False)), DeleteKey),
        (Step.CREATE, seen(current=stored("w" * 36, None, OLD)), CreateKey),
        (Step.SET, seen(key(CURRENT)), Done),
        (Step.SET, seen(key(CURRENT), key(PENDING), pending=STORED), Done),
        (Step.SET, seen(key(CURRENT), key(PENDING, active=False), pending=STORED), SetActive),
        (Step.SET, seen(key(CURRENT), pending=STORED), Done),
        (Step.SET, seen(key(CURRENT), pending=stored(TOKEN, PENDING, OLD)), DropPending),
        (Step.TEST, seen(key(CURRENT), key(PENDING), pending=STORED), TryKey),
        (Step.TEST, seen(key(CURRENT)), TryKey),
        (Step.FINISH, seen(key(CURRENT), key(PENDING), pending=STORED), MoveCurrent),
        (Step.FINISH, seen(key(CURRENT), pending=stored(TOKEN, PENDING, OLD)), DropPending),
    ],
)
def test_a_step_goes_on_from_what_is_seen(step: Step, view: Seen, action: type[Action]) -> None:
    assert kind(step, view) is action


@pytest.mark.parametrize("step", Step)
def test_every_step_is_done_once_the_version_is_current(step: Step) -> None:
    view = seen(key(CURRENT), labels={TOKEN: ("AWSCURRENT", "AWSPENDING")})
    assert kind(step, view) is Done


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"w" * 36: ("AWSCURRENT",)}, "not part of a rotation"),
        ({"w" * 36: ("AWSCURRENT",), TOKEN: ("AWSPREVIOUS",)}, "does not carry AWSPENDING"),
    ],
)
def test_only_secrets_manager_begins_what_it_announces(
    step: Step, labels: dict[str, tuple[str, ...]], why: str
) -> None:
    assert why in str(refused(step, seen(key(CURRENT), labels=labels)))


def test_a_sidecar_begins_without_an_announcement_and_never_beside_another_rotation() -> None:
    free = {"w" * 36: ("AWSCURRENT",)}
    assert kind(Step.CREATE, seen(key(CURRENT), labels=free), announced=False) is CreateKey
    taken = free | {"o" * 36: ("AWSPENDING",)}
    view = seen(key(CURRENT), labels=taken)
    assert "another rotation is not complete" in str(refused(Step.CREATE, view, announced=False))


@pytest.mark.parametrize(
    "view",
    [
        seen(key(CURRENT), current=stored("w" * 36, CURRENT, OLD, "other")),
        seen(key(CURRENT), pending=stored(TOKEN, PENDING, BEGAN, "other")),
    ],
)
@pytest.mark.parametrize("step", Step)
def test_no_version_may_name_another_user(step: Step, view: Seen) -> None:
    assert "names user 'other', not 'batch'" in str(refused(step, view))


@pytest.mark.parametrize(
    "view",
    [
        # Older than the attempt by more than clocks differ, or younger: somebody made it.
        seen(key(CURRENT), key(OTHER, created_at=BEGAN - timedelta(minutes=6))),
        seen(key(CURRENT), key(OTHER, created_at=BEGAN + timedelta(minutes=6))),
        # It was there before the attempt, or the attempt made another.
        seen(key(CURRENT), key(OTHER), tags=noted(Attempt.before([key(OTHER)], BEGAN))),
        seen(key(CURRENT), key(OTHER), tags=noted(Attempt(BEGAN).with_key(PREVIOUS))),
        # Used elsewhere than by our own trial: somebody has its secret half.
        seen(key(CURRENT), key(OTHER), unknown_use={OTHER: used("s3", seconds=1)}),
        # No attempt was noted.
        seen(key(CURRENT), key(OTHER), tags={}),
        seen(key(CURRENT), key(OTHER), tags={ATTEMPT_TAG: "at=soon"}),
        # The secret names no key, and the user had one before.
        seen(key(OTHER, created_at=OLD), current=stored("w" * 36, None, OLD)),
    ],
)
def test_a_key_that_may_be_somebody_s_is_never_touched(view: Seen) -> None:
    error = refused(Step.CREATE, view)
    assert "no version of the secret names" in str(error)
    assert "--adopt" in error.hint


def test_a_key_that_an_attempt_noted_is_its_orphan_whenever_it_was_made() -> None:
    attempt = Attempt(NOW - timedelta(days=40), frozenset({"0000"})).with_key(OTHER)
    assert Attempt.parse(str(attempt)) == attempt
    assert kind(Step.CREATE, seen(key(CURRENT), key(OTHER), tags=noted(attempt))) is SetActive


def test_an_attempt_notes_the_keys_that_are_there() -> None:
    action = next_action(Step.CREATE, GOAL, seen(key(CURRENT)), NOW)
    assert isinstance(action, CreateKey)
    assert action.attempt == Attempt(NOW, frozenset({CURRENT[-4:]}))


def test_our_own_trial_of_a_key_does_not_make_it_somebody_s() -> None:
    view = seen(key(CURRENT), key(OTHER), unknown_use={OTHER: used("sts", seconds=1)})
    assert kind(Step.CREATE, view) is SetActive


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"last_rotated": NOW - timedelta(hours=23)}, "is in its grace until 2026-03-01T13:00:00Z"),
        ({"previous_use": used("s3", hours=1)}, "is still used, last at s3"),
    ],
)
def test_the_previous_key_gives_no_place_while_it_may_be_in_use(
    more: dict[str, object], why: str
) -> None:
    view = seen(key(CURRENT), key(PREVIOUS), previous=BEFORE, **more)  # type: ignore[arg-type]
    current = stored("w" * 36, CURRENT, NOW - timedelta(days=2))
    view = replace(view, current=current)
    told = refused(Step.CREATE, view)
    assert why in str(told)
    assert told.retryable is ("until" in why)
    assert kind(Step.CREATE, view, retirement=Retirement(force=True)) is DeleteKey


def test_one_that_is_inactive_gives_its_place_after_its_recovery() -> None:
    view = seen(key(CURRENT), key(PREVIOUS, active=False), previous=BEFORE)
    action = next_action(Step.CREATE, GOAL, view, NOW)
    assert isinstance(action, DeleteKey)
    assert action.access_key_id == PREVIOUS


@pytest.mark.parametrize(
    ("ago", "use", "why"),
    [
        (hours(167), None, "can be restored until 2026-03-01T13:00:00Z"),
        (hours(169), used("s3", hours=1), "somebody tried it, last at s3"),
    ],
)
def test_one_that_is_inactive_gives_no_place_before(
    ago: timedelta, use: LastUse | None, why: str
) -> None:
    record = Record("w" * 36, NOW - timedelta(days=20), NOW - ago)
    retired = key(PREVIOUS, active=False)
    view = seen(key(CURRENT), retired, previous=BEFORE, tags={RECORD_TAG: str(record)})
    view = replace(view, previous_use=use)
    told = refused(Step.CREATE, view)
    assert why in str(told)
    assert told.retryable is ("until" in why)
    for rules in (Retirement(force=True), Retirement(delete=False)):
        assert kind(Step.CREATE, view, retirement=rules) is DeleteKey


def test_the_only_active_key_gives_no_place() -> None:
    view = seen(key(CURRENT, active=False), key(PREVIOUS), previous=BEFORE)
    assert "is the only active one" in str(refused(Step.CREATE, view))


def test_a_pending_version_never_revives_a_key_that_was_retired() -> None:
    pending = stored(TOKEN, PREVIOUS)
    view = seen(key(CURRENT), key(PREVIOUS, active=False), previous=BEFORE, pending=pending)
    assert "which somebody made inactive" in str(refused(Step.SET, view))


@pytest.mark.parametrize(
    "view",
    [
        seen(key(CURRENT)),
        seen(key(CURRENT), pending=STORED),
        seen(key(CURRENT), key(PENDING, active=False), pending=STORED),
    ],
)
def test_nothing_becomes_current_whose_key_is_not_seen_active(view: Seen) -> None:
    assert isinstance(refused(Step.FINISH, view), RotationNotYet)


def test_the_label_is_taken_from_the_version_that_was_seen_with_it() -> None:
    view = seen(key(CURRENT), key(PENDING), pending=STORED)
    assert next_action(Step.FINISH, GOAL, view, NOW) == MoveCurrent(TOKEN, "w" * 36)
