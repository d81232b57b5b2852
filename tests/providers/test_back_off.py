"""How long to wait after failures: by who must act, within bounds for every count and jitter."""

from datetime import timedelta

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
failures_of_any_kind = st.sampled_from([GONE, TOO_MANY, NO])
lefts = st.floats(-3600, 43_200)


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


@given(st.lists(st.sampled_from([GONE, TOO_MANY]), min_size=1, max_size=50), jitters)
def test_failures_that_nobody_must_mend_count_together(
    errors: list[UpstreamUnavailable], jitter: float
) -> None:
    streak = _streak(*errors)
    assert streak.failures == len(errors)
    assert streak.pause(jitter=jitter) == back_off(len(errors), streak.pace, jitter=jitter)


@pytest.mark.parametrize(
    ("errors", "longest"),
    [
        pytest.param([GONE] * 12 + [NO], 10, id="no answer before says nothing of a refusal"),
        pytest.param([TOO_MANY] * 12 + [NO], 320, id="throttling hides it, for so long at most"),
        pytest.param([TOO_MANY, GONE, NO], 20, id="also before an outage"),
        pytest.param([NO] * 3 + [TOO_MANY], 80, id="throttled while refused counts"),
        pytest.param([NO] * 3 + [GONE] * 5 + [NO], 80, id="an outage between does not"),
        pytest.param([NO] * 3 + [GONE, TOO_MANY, NO], 80, id="nor throttling after it"),
    ],
)
def test_the_pace_of_the_refused_counts_refusals(errors: list[SidecarError], longest: int) -> None:
    pause = _streak(*errors).pause(jitter=0.999_999)
    assert round(pause.total_seconds()) == longest


@given(st.lists(st.tuples(failures_of_any_kind, jitters), min_size=1, max_size=50), lefts)
def test_no_pause_of_the_refused_is_much_longer_than_they_have_been_refused(
    course: list[tuple[SidecarError, float]], left: float
) -> None:
    streak, at, refused_at = Streak(), 0.0, None
    for error, jitter in course:
        streak = streak.after(error, left=timedelta(seconds=left - at))
        pause = streak.pause(jitter=jitter).total_seconds()
        if streak.pace is REFUSED:
            refused_at = at if refused_at is None else refused_at
            first = 320 if streak.throttled else 10
            assert pause <= 2 * (at - refused_at) + first + 0.001
        at += pause


@given(st.integers(0, 30), st.floats(160, 43_200), jitters)
def test_no_pause_of_the_refused_outlives_half_of_what_is_left_of_the_session(
    before: int, left: float, jitter: float
) -> None:
    streak = _streak(*[NO] * before).after(NO, left=timedelta(seconds=left))
    assert streak.pause(jitter=jitter).total_seconds() <= left / 2


@given(st.integers(10, 30), st.floats(0.001, 160))
def test_the_last_minutes_of_a_session_are_no_reason_to_ask_all_the_time(
    before: int, left: float
) -> None:
    streak = _streak(*[NO] * before).after(NO, left=timedelta(seconds=left))
    assert streak.pause(jitter=0).total_seconds() == 40


def test_a_short_quota_is_left_to_others_even_when_the_session_ends() -> None:
    soon = timedelta(minutes=2)
    assert _streak(TOO_MANY, *[NO] * 12).after(NO, left=soon).pause(jitter=0) == REFUSED.cap / 2


def test_a_session_that_is_over_hurries_nobody() -> None:
    over = timedelta(seconds=-1)
    assert _streak(*[NO] * 12).after(NO, left=over).pause(jitter=0) == REFUSED.cap / 2


@given(st.integers(0, 30), st.sampled_from([GONE, TOO_MANY]), lefts)
def test_a_session_that_ends_makes_nobody_else_quicker(
    before: int, error: SidecarError, left: float
) -> None:
    streak = _streak(*[error] * before)
    assert streak.after(error, left=timedelta(seconds=left)) == streak.after(error)


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
