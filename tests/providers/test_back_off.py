"""How long to wait after failures: by who must act, within bounds for every count and jitter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import (
    IdentityError,
    NotReady,
    SidecarError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from sidecar.providers.refresh_policy import (
    OUTAGE,
    REFUSED,
    THROTTLED,
    Pace,
    Streak,
    back_off,
    pace_after,
)

GONE = UpstreamUnavailable("no answer")
TOO_MANY = UpstreamUnavailable("rate exceeded", status=429)
NO = UpstreamRefused("no", status=403)

jitters = st.floats(0, 1, exclude_max=True)
paces = st.sampled_from([OUTAGE, THROTTLED, REFUSED])
failures = st.lists(st.sampled_from([GONE, TOO_MANY, NO]), min_size=1, max_size=50)


def _streak(*errors: SidecarError) -> Streak:
    streak = Streak()
    for each in errors:
        streak = streak.after(each)
    return streak


@given(st.integers(1, 10_000), paces, jitters)
def test_a_pause_is_between_half_a_second_and_its_cap(
    count: int, pace: Pace, jitter: float
) -> None:
    assert 0.5 <= back_off(count, pace, jitter=jitter).total_seconds() <= pace.cap.total_seconds()


@given(st.integers(1, 10_000), paces, jitters)
def test_one_more_failure_never_makes_the_pause_shorter(
    count: int, pace: Pace, jitter: float
) -> None:
    assert back_off(count, pace, jitter=jitter) <= back_off(count + 1, pace, jitter=jitter)


@pytest.mark.parametrize(
    ("pace", "longest"),
    [
        pytest.param(OUTAGE, [2, 4, 8, 16, 32, 60, 60], id="outage"),
        pytest.param(THROTTLED, [10, 20, 40, 80, 160, 300, 300], id="throttled"),
        pytest.param(REFUSED, [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800], id="refused"),
    ],
)
def test_the_longest_pause_doubles_up_to_the_cap(pace: Pace, longest: list[int]) -> None:
    pauses = [back_off(n, pace, jitter=0.999_999) for n in range(1, len(longest) + 1)]
    assert [round(each.total_seconds()) for each in pauses] == longest


def test_no_pause_of_the_refused_is_much_longer_than_the_refusals_have_lasted() -> None:
    lasted = 0.0
    for count in range(1, 20):
        pause = back_off(count, REFUSED, jitter=0.5).total_seconds()
        assert count == 1 or pause <= 2 * lasted
        lasted += pause


def test_jitter_is_full_but_for_the_refused_who_wait_at_least_half() -> None:
    shortest = [back_off(5, pace, jitter=0).total_seconds() for pace in (OUTAGE, THROTTLED)]
    assert shortest == [0.5, 0.5]
    assert back_off(5, REFUSED, jitter=0).total_seconds() == 80


@given(jitters, jitters)
def test_no_two_jitters_give_one_moment(one: float, other: float) -> None:
    """A lower bound that cuts would bring a quarter of the fleet back in the same moment."""
    pauses = {back_off(1, OUTAGE, jitter=each) for each in (one, other)}
    assert len(pauses) == 2 or abs(one - other) < 1e-6


@pytest.mark.parametrize(
    ("error", "pace"),
    [
        pytest.param(GONE, OUTAGE, id="no answer"),
        pytest.param(UpstreamTimeout("late"), OUTAGE, id="no answer in time"),
        pytest.param(UpstreamUnavailable("5xx", status=503), OUTAGE, id="a server error"),
        pytest.param(NotReady("the parent has none"), OUTAGE, id="the parent role"),
        pytest.param(IdentityError("no token"), OUTAGE, id="this machine's own trouble"),
        pytest.param(TOO_MANY, THROTTLED, id="429"),
        pytest.param(
            UpstreamUnavailable("x", status=400, code="Throttling"), THROTTLED, id="by its code"
        ),
        pytest.param(NO, REFUSED, id="refused"),
        pytest.param(UpstreamRefused("x", status=400), REFUSED, id="invalid"),
    ],
)
def test_the_pace_is_chosen_by_who_must_act(error: SidecarError, pace: Pace) -> None:
    assert pace_after(error) is pace


@pytest.mark.parametrize(
    ("errors", "pace"),
    [
        pytest.param([NO, TOO_MANY], REFUSED, id="throttled after a refusal: nothing new"),
        pytest.param([NO, TOO_MANY, TOO_MANY], REFUSED, id="and again"),
        pytest.param([TOO_MANY, NO], REFUSED, id="refused after throttling"),
        pytest.param([NO, GONE], OUTAGE, id="the network after a refusal"),
        pytest.param([NO, GONE, TOO_MANY], THROTTLED, id="and throttled then"),
    ],
)
def test_throttling_never_makes_a_refused_sidecar_quicker(
    errors: list[SidecarError], pace: Pace
) -> None:
    assert _streak(*errors).pace is pace


@given(failures, jitters)
def test_failures_of_every_kind_count_together(
    errors: list[UpstreamUnavailable | UpstreamRefused], jitter: float
) -> None:
    streak = _streak(*errors)
    assert streak.failures == len(errors)
    assert streak.pause(jitter=jitter) == back_off(len(errors), streak.pace, jitter=jitter)


@pytest.mark.parametrize(
    ("asked", "honoured"),
    [
        pytest.param(0, 0, id="nothing"),
        pytest.param(7, 7, id="seconds"),
        pytest.param(300, 300, id="five minutes"),
        pytest.param(86_400, 300, id="a day is cut to five minutes"),
    ],
)
@given(jitter=jitters)
def test_what_the_server_asks_for_is_the_least_and_jitter_comes_on_top(
    asked: float, honoured: float, jitter: float
) -> None:
    error = UpstreamUnavailable("later", status=503, retry_after_seconds=asked)
    pause = _streak(error).pause(jitter=jitter).total_seconds()
    assert pause == pytest.approx(honoured + back_off(1, jitter=jitter).total_seconds(), abs=1e-5)
    assert pause >= honoured + 0.5


def test_a_wish_of_the_server_is_over_with_the_next_failure() -> None:
    asked = UpstreamUnavailable("later", retry_after_seconds=100)
    assert _streak(asked, GONE).pause(jitter=0).total_seconds() == 0.5
