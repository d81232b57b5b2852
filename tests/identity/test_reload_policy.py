"""When an identity's files are read again, as a table of looks and of readings."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.identity.reload_policy import (
    LONGEST_UNREST_SECONDS,
    LOOK_EVERY_SECONDS,
    Look,
    Watch,
    after_reading,
    decide,
)

OLD: Look = ((1, 1), (1, 2))
NEW: Look = ((1, 3), (1, 2))
NEWER: Look = ((1, 3), (1, 4))
CALM = Watch(read=OLD, reads=2, again_at=math.inf, last=OLD)


@pytest.mark.parametrize(
    ("watch", "look", "elapsed", "asked", "due"),
    [
        pytest.param(CALM, OLD, 9e9, False, False, id="nothing has changed"),
        pytest.param(CALM, OLD, 0, True, True, id="somebody asks"),
        pytest.param(CALM, NEW, 0, False, False, id="a change that may go on"),
        pytest.param(CALM, NEW, 0, True, True, id="a change, and somebody asks"),
        pytest.param(replace(CALM, last=NEW, changed_at=0), NEW, 2, False, True, id="at rest"),
        pytest.param(
            replace(CALM, last=NEW, changed_at=0), NEWER, 2, False, False, id="going on changing"
        ),
        pytest.param(
            replace(CALM, last=NEW, changed_at=0), NEWER, 9.9, False, False, id="for long"
        ),
        pytest.param(
            replace(CALM, last=NEW, changed_at=0), NEWER, 10, False, True, id="for too long"
        ),
        pytest.param(replace(CALM, again_at=7), OLD, 6.9, False, False, id="not yet again"),
        pytest.param(replace(CALM, again_at=7), OLD, 7, False, True, id="again"),
        pytest.param(
            replace(CALM, again_at=7), NEW, 8, False, False, id="changed while waiting to read"
        ),
    ],
)
def test_files_are_read_when_a_change_has_come_to_rest_or_it_is_time(
    watch: Watch, look: Look, elapsed: float, asked: bool, due: bool
) -> None:
    assert decide(watch, look, elapsed, asked=asked)[1] is due


def test_a_change_that_is_taken_back_was_none() -> None:
    watch, _ = decide(CALM, NEW, 0, asked=False)
    watch, due = decide(watch, OLD, 2, asked=False)
    assert (watch, due) == (CALM, False)


@pytest.mark.parametrize(
    ("reads", "look", "good", "pause"),
    [
        pytest.param(0, NEW, True, 5, id="good, and once more"),
        pytest.param(1, NEW, True, math.inf, id="good twice"),
        pytest.param(0, NEW, False, 5, id="bad"),
        pytest.param(1, NEW, False, 10, id="bad twice"),
        pytest.param(6, NEW, False, 300, id="bad for long"),
        pytest.param(5000, NEW, False, 300, id="bad for ever"),
        pytest.param(7, NEWER, False, 5, id="bad in a new way"),
        pytest.param(7, NEWER, True, 5, id="good at last"),
    ],
)
@pytest.mark.parametrize("repeat", [True, False])
def test_files_that_look_the_same_are_read_again_ever_more_rarely(
    reads: int, look: Look, good: bool, pause: float, repeat: bool
) -> None:
    before = Watch(NEW, reads, 0, NEW) if reads else CALM
    watch = after_reading(before, look, 100, good=good, repeat=repeat)
    assert watch.again_at == (100 + pause if repeat else math.inf)
    assert (watch.read, watch.last, watch.changed_at) == (look, look, None)


@given(
    st.lists(st.sampled_from([OLD, NEW, NEWER]), max_size=20),
    st.sampled_from([NEW, NEWER]),
    st.booleans(),
)
def test_whatever_happened_a_change_is_read_within_two_looks_of_rest(
    before: list[Look], final: Look, good: bool
) -> None:
    watch, elapsed = CALM, 0.0
    for look in before:
        watch, due = decide(watch, look, elapsed, asked=False)
        if due:
            watch = after_reading(watch, look, elapsed, good=good, repeat=True)
        elapsed += LOOK_EVERY_SECONDS
    read = watch.read == final
    for _ in range(2):
        watch, due = decide(watch, final, elapsed, asked=False)
        read = read or due
        elapsed += LOOK_EVERY_SECONDS
    assert read


def test_files_that_never_rest_are_read_all_the_same() -> None:
    watch, looks = CALM, 0
    due = False
    while not due:
        looks += 1
        watch, due = decide(watch, ((looks,),), looks * LOOK_EVERY_SECONDS, asked=False)
    assert (looks - 1) * LOOK_EVERY_SECONDS == LONGEST_UNREST_SECONDS
