"""What becomes of the replaced key, from what is seen alone."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sidecar.rotation.goal import Retirement
from sidecar.rotation.retirement import (
    RECORD_TAG,
    Deactivate,
    Delete,
    NextReap,
    Note,
    Record,
    Wait,
    next_reap,
    record_of,
)
from sidecar.rotation.seen import Seen, UserKey
from tests.rotation.views import CURRENT, NOW, PREVIOUS, key, seen, stored, used

RULES = Retirement(grace=timedelta(hours=24), recovery=timedelta(days=7))
VERSION = "w" * 36
BEFORE = stored("v" * 36, PREVIOUS, NOW - timedelta(days=60))


def noted(since: datetime, inactive: datetime | None = None) -> dict[str, str]:
    return {RECORD_TAG: str(Record(VERSION, since, inactive))}


def view(
    previous: UserKey, *, ago: float, inactive_ago: float | None = None, **more: object
) -> Seen:
    """Give a view in which the key was replaced so many hours ago, and made inactive perhaps."""
    inactive = None if inactive_ago is None else NOW - timedelta(hours=inactive_ago)
    tags = noted(NOW - timedelta(hours=ago), inactive)
    return seen(key(CURRENT), previous, previous=BEFORE, tags=tags, **more)  # type: ignore[arg-type]


ACTIVE, INACTIVE = key(PREVIOUS), key(PREVIOUS, active=False)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (view(ACTIVE, ago=23), Wait),
        (view(ACTIVE, ago=24), Deactivate),
        (view(ACTIVE, ago=30, previous_use=used("s3", hours=23)), Wait),
        (view(ACTIVE, ago=30, previous_use=used("s3", hours=25)), Deactivate),
        (view(INACTIVE, ago=30), Note),
        (view(INACTIVE, ago=300, inactive_ago=167), Wait),
        (view(INACTIVE, ago=300, inactive_ago=168), Delete),
        (view(INACTIVE, ago=300, inactive_ago=170, previous_use=used("s3", hours=169)), Wait),
        (view(INACTIVE, ago=300, inactive_ago=170, previous_use=used("s3", hours=171)), Delete),
    ],
)
def test_it_is_retired_in_its_time(state: Seen, kind: type[NextReap]) -> None:
    assert type(next_reap(RULES, state, NOW)) is kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (view(ACTIVE, ago=23, previous_use=used("s3", hours=1)), Wait),
        (view(ACTIVE, ago=30, previous_use=used("s3", hours=1)), Deactivate),
        (view(INACTIVE, ago=300, inactive_ago=170, previous_use=used("s3", hours=1)), Delete),
    ],
)
def test_force_ignores_its_use_and_not_its_time(state: Seen, kind: type[NextReap]) -> None:
    assert type(next_reap(replace(RULES, force=True), state, NOW)) is kind


def test_it_is_kept_where_nothing_is_to_be_deleted() -> None:
    state = view(INACTIVE, ago=9000, inactive_ago=8000)
    assert isinstance(next_reap(replace(RULES, delete=False), state, NOW), Wait)


@pytest.mark.parametrize(
    "state",
    [
        seen(key(CURRENT)),
        seen(key(CURRENT), previous=BEFORE),
        seen(key(CURRENT), previous=stored("v" * 36, CURRENT)),
        replace(view(ACTIVE, ago=900), keys=(ACTIVE,)),
        replace(view(ACTIVE, ago=900), keys=(key(CURRENT, active=False), ACTIVE)),
    ],
)
def test_without_another_live_key_nothing_is_retired(state: Seen) -> None:
    decided = next_reap(replace(RULES, force=True), state, NOW)
    assert isinstance(decided, Wait)
    assert decided.until is None


def test_the_grace_begins_when_it_was_replaced_and_not_when_the_new_key_was_made() -> None:
    long_ago = stored(VERSION, CURRENT, NOW - timedelta(days=9))
    state = seen(key(CURRENT), ACTIVE, previous=BEFORE, current=long_ago)
    assert next_reap(RULES, state, NOW) == Note(Record(VERSION, NOW))
    rotated = replace(state, facts=replace(state.facts, last_rotated=NOW - timedelta(hours=1)))
    assert next_reap(RULES, rotated, NOW) == Wait(
        "the previous key is in its grace", NOW + timedelta(hours=23)
    )


def test_a_rotation_before_the_label_was_moved_back_by_hand_does_not_count() -> None:
    older = stored(VERSION, CURRENT, NOW - timedelta(days=9))
    newer = stored("x" * 36, PREVIOUS, NOW - timedelta(days=2))
    # As Secrets Manager sets it: after the version that it made.
    rotated = NOW - timedelta(days=2) + timedelta(seconds=20)
    state = seen(key(CURRENT), ACTIVE, previous=newer, current=older, last_rotated=rotated)
    assert next_reap(RULES, state, NOW) == Note(Record(VERSION, NOW))


def test_a_record_shortens_no_grace_of_a_version_that_was_made_just_now() -> None:
    record = {RECORD_TAG: str(Record(VERSION, NOW - timedelta(days=9000)))}
    new = stored(VERSION, CURRENT, NOW)
    state = seen(key(CURRENT), ACTIVE, previous=BEFORE, current=new, tags=record)
    assert isinstance(next_reap(RULES, state, NOW), Wait)


@pytest.mark.parametrize("moment", ["since", "inactive"])
def test_a_record_of_a_moment_that_nobody_lives_to_see_is_none(moment: str) -> None:
    moments = {"since": "2026-01-01T00:00:00Z"} | {moment: "9999-12-31T00:00:00Z"}
    text = " ".join(f"{name}={when}" for name, when in {"current": VERSION, **moments}.items())
    assert Record.parse(text) is None
    assert Record.parse(text.replace("9999", "2026")) is not None


@pytest.mark.parametrize(
    "text", ["", "current=x", "since=y", f"current={VERSION} since=soon", "=="]
)
def test_a_tag_that_says_nothing_is_no_record(text: str) -> None:
    assert record_of(seen(key(CURRENT), tags={RECORD_TAG: text})) is None


def test_a_record_of_an_earlier_rotation_does_not_count() -> None:
    earlier = {RECORD_TAG: str(Record("x" * 36, NOW - timedelta(days=90)))}
    assert record_of(seen(key(CURRENT), tags=earlier)) is None
    assert record_of(seen(key(CURRENT), tags=noted(NOW))) == Record(VERSION, NOW)
