"""What AWS refused: for whom it is remembered, for how long, and that it takes no room for ever."""

import gc
import weakref

import pytest

from sidecar.errors import UpstreamRefused
from sidecar.secret_cache.refusals import Refusals

REFUSED = UpstreamRefused("no", status=400, code="ResourceNotFoundException")
SECONDS = 3.0


class _Question:
    """Something whose end can be seen."""


def test_a_refusal_answers_its_own_question_until_its_time_is_over() -> None:
    refusals = Refusals[str]()
    refusals.note("a", REFUSED, 10.0)
    refusals.check("b", 10.0)
    with pytest.raises(UpstreamRefused):
        refusals.check("a", 10.0 + SECONDS - 0.1)
    refusals.check("a", 10.0 + SECONDS)


def test_the_next_refusal_lets_go_of_those_whose_time_is_over_and_of_no_others() -> None:
    refusals = Refusals[_Question]()
    old, repeated, young = _Question(), _Question(), _Question()
    refusals.note(old, REFUSED, 0.0)
    refusals.note(repeated, REFUSED, 0.0)
    refusals.note(young, REFUSED, 1.0)
    refusals.note(repeated, REFUSED, 2.0)
    gone = weakref.ref(old)
    del old
    refusals.note(_Question(), REFUSED, SECONDS)
    gc.collect()
    assert gone() is None
    for held in (young, repeated):
        with pytest.raises(UpstreamRefused):
            refusals.check(held, SECONDS)


def test_of_very_many_refusals_the_oldest_are_forgotten() -> None:
    refusals = Refusals[int]()
    for number in range(1001):
        refusals.note(number, REFUSED, 0.0)
    refusals.check(0, 0.0)
    with pytest.raises(UpstreamRefused):
        refusals.check(1, 0.0)
