"""When a value is served, renewed and waited for, decision by decision."""

import math
from dataclasses import replace

import pytest

from sidecar.errors import NotReady, SidecarError, UpstreamUnavailable
from sidecar.secret_cache.freshness import Bucket, Schedule, Verdict, decide, pause, schedule
from sidecar.secret_cache.limits import Limits

LIMITS = Limits(ttl_seconds=100, max_stale_seconds=1000, size=1)
PLAN = schedule(0, LIMITS, jitter=0.5)
FAILED = replace(PLAN, failures=1, retry_at=200.0)
WAITING = PLAN.invalidated(10, wait=True)
DOUBTED = PLAN.invalidated(10)
AWAY = UpstreamUnavailable("away")


@pytest.mark.parametrize(
    ("jitter", "renew_at"), [(0.0, 90.0), (0.5, 95.0), (0.999, pytest.approx(100, abs=0.1))]
)
def test_a_value_is_renewed_in_the_last_tenth_of_its_time(jitter: float, renew_at: float) -> None:
    assert schedule(0, LIMITS, jitter=jitter).renew_at == renew_at


def test_the_age_of_a_value_counts_from_the_question() -> None:
    plan = schedule(7, LIMITS, jitter=0)
    assert (plan.asked_at, plan.stale_at, plan.useless_at) == (7, 107, 1107)


def test_without_serving_stale_a_value_is_useless_when_its_time_is_over() -> None:
    assert schedule(0, replace(LIMITS, serve_stale=False), jitter=0).useless_at == 100


@pytest.mark.parametrize(
    ("plan", "now", "flying_since", "verdict"),
    [
        pytest.param(PLAN, 94, None, Verdict.SERVE, id="fresh"),
        pytest.param(PLAN, 95, None, Verdict.RENEW, id="in the last tenth"),
        pytest.param(PLAN, 95, 95, Verdict.SERVE, id="being renewed"),
        pytest.param(PLAN, 100, 99, Verdict.SERVE, id="past its time, being renewed since before"),
        pytest.param(PLAN, 101, 100, Verdict.WAIT_A_LITTLE, id="past its time, just asked for"),
        pytest.param(PLAN, 100, None, Verdict.WAIT_A_LITTLE, id="past its time, nobody renewed"),
        pytest.param(PLAN, 1099, None, Verdict.WAIT_A_LITTLE, id="nearly useless"),
        pytest.param(PLAN, 1100, None, Verdict.COLD, id="useless"),
        pytest.param(PLAN, 1100, 1000, Verdict.COLD, id="useless, being renewed"),
        pytest.param(FAILED, 99, None, Verdict.SERVE, id="fresh, and renewing failed"),
        pytest.param(FAILED, 199, None, Verdict.SERVE, id="past its time, renewing failed"),
        pytest.param(FAILED, 200, None, Verdict.RENEW, id="the next attempt is due"),
        pytest.param(FAILED, 200, 200, Verdict.SERVE, id="the next attempt is under way"),
        pytest.param(FAILED, 1100, None, Verdict.COLD, id="failed for too long"),
        pytest.param(DOUBTED, 10, 10, Verdict.WAIT_A_LITTLE, id="invalidated, being renewed"),
        pytest.param(DOUBTED, 10, None, Verdict.WAIT_A_LITTLE, id="invalidated, was not in use"),
        pytest.param(WAITING, 10, 10, Verdict.WAIT, id="written by oneself, being renewed"),
        pytest.param(WAITING, 10, None, Verdict.WAIT, id="written by oneself"),
        pytest.param(
            WAITING.after(AWAY, 11, jitter=1), 11, None, Verdict.SERVE, id="written, AWS away"
        ),
    ],
)
def test_a_read_does_what_the_moments_say(
    plan: Schedule, now: float, *, flying_since: float | None, verdict: Verdict
) -> None:
    assert decide(plan, now, flying_since=flying_since) is verdict


@pytest.mark.parametrize("plan", [PLAN, FAILED, DOUBTED, WAITING])
def test_what_needs_no_attention_yet_is_fresh_and_served(plan: Schedule) -> None:
    for now in range(1200):
        nothing_to_do = plan.fresh(now) and decide(plan, now, flying_since=None) is Verdict.SERVE
        assert (now < plan.attend_at) == (nothing_to_do and now < plan.due_at)


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (7, 30), (1000, 30)]
)
def test_pauses_double_up_to_half_a_minute(failures: int, longest: float) -> None:
    assert pause(failures, AWAY, 1) == longest
    assert pause(failures, AWAY, 0) == 0.25


@pytest.mark.parametrize(
    ("error", "least"),
    [
        (UpstreamUnavailable("slow down", retry_after_seconds=20), 20),
        (UpstreamUnavailable("slow down", retry_after_seconds=9999), 300),
        (NotReady("no session"), 0),
    ],
)
def test_what_aws_asks_for_is_waited_first_within_reason(error: SidecarError, least: float) -> None:
    assert pause(1, error, 0) == least + 0.25


def test_an_own_write_ends_the_pause_after_failures() -> None:
    plan = FAILED.invalidated(50, wait=True)
    assert (plan.due_at, plan.failures, plan.fresh(50)) == (50, 0, False)
    assert plan.useless_at == FAILED.useless_at


def test_word_of_a_change_leaves_the_pause_after_failures_as_it_is() -> None:
    plan = FAILED.invalidated(50)
    assert (plan.due_at, plan.failures, plan.fresh(50)) == (200, 1, False)
    assert decide(plan, 50, flying_since=None) is Verdict.SERVE


@pytest.mark.parametrize("wait", [True, False])
def test_without_serving_stale_an_invalidated_value_is_useless(*, wait: bool) -> None:
    plan = schedule(0, replace(LIMITS, serve_stale=False), jitter=0)
    for now in (50, 60):
        plan = plan.invalidated(now, wait=wait)
        assert decide(plan, now, flying_since=None) is Verdict.COLD


def test_a_value_that_is_renewed_early_stays_as_fresh_as_it_is() -> None:
    plan = PLAN.renewed(50)
    assert (plan.due_at, plan.stale_at) == (50, PLAN.stale_at)
    assert decide(plan, 50, flying_since=None) is Verdict.RENEW


def test_a_doubt_does_not_take_back_that_the_next_read_waits() -> None:
    assert WAITING.invalidated(20).wait


def test_an_old_value_that_is_invalidated_does_not_become_younger() -> None:
    plan = PLAN.invalidated(5000)
    assert (plan.renew_at, plan.stale_at) == (PLAN.renew_at, PLAN.stale_at)


def test_callers_may_insist_five_times_at_once_then_once_a_second() -> None:
    bucket: Bucket | None = Bucket()
    for _ in range(5):
        assert bucket is not None
        bucket = bucket.take(100)
    assert bucket is not None
    assert bucket.take(100) is None
    assert bucket.take(100.9) is None
    assert bucket.take(101) is not None
    later = bucket.take(10_000)
    assert later is not None
    assert later.tokens == 4


def test_a_schedule_without_failures_may_be_followed_at_once() -> None:
    assert PLAN.retry_at == -math.inf
