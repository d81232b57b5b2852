"""A burst of denials is told, what follows is counted, and no burst hides behind another."""

from dataclasses import replace
from datetime import datetime

import pytest

from sidecar.audit.denials import (
    LOOPBACK,
    MOST,
    MOST_APART,
    QUIET_SECONDS,
    TIMES_MORE,
    WITHIN_SECONDS,
    Burst,
    Denials,
    Denied,
    denied_in,
)
from sidecar.audit.event import AuditEvent, Result

WEB = Denied("credentials", "web", LOOPBACK, "apps.web.roles does not have the role")
NOBODY = Denied("credentials", "", LOOPBACK, "the token belongs to no app")
ENOUGH = TIMES_MORE * MOST


def _told(denials: Denials, *moments: float, denied: Denied = WEB) -> list[float]:
    return [moment for moment in moments if denials.seen(denied, moment)]


def _burst(start: float, count: int = MOST, within: float = WITHIN_SECONDS) -> list[float]:
    return [start + within * number / (MOST - 1) for number in range(count)]


@pytest.mark.parametrize(
    ("moments", "told"),
    [
        pytest.param(_burst(0, MOST - 1), [], id="one too few"),
        pytest.param(_burst(0), [60.0], id="so many within a minute"),
        pytest.param(_burst(0, within=WITHIN_SECONDS + 1), [], id="a little too slow"),
        pytest.param([0.0] * MOST * 3, [0.0], id="all at once, and only the first burst"),
        pytest.param([*_burst(0), *_burst(100)], [60.0], id="quiet after a burst"),
    ],
)
def test_when_a_burst_is_told(moments: list[float], told: list[float]) -> None:
    assert _told(Denials(), *moments) == pytest.approx(told)


def test_what_follows_a_burst_is_told_after_the_pause_and_not_before() -> None:
    denials = Denials()
    _told(denials, *[0.0] * (MOST + 5))
    assert list(denials.followed(QUIET_SECONDS - 1)) == []
    assert list(denials.followed(QUIET_SECONDS)) == [Burst(WEB, 5, QUIET_SECONDS, further=True)]
    assert list(denials.followed(QUIET_SECONDS * 2)) == []
    assert _told(denials, *_burst(QUIET_SECONDS * 2)) == [QUIET_SECONDS * 2 + WITHIN_SECONDS]


def test_a_burst_that_nothing_follows_is_forgotten() -> None:
    denials = Denials()
    _told(denials, *[0.0] * MOST)
    assert list(denials.followed(QUIET_SECONDS)) == []
    assert list(denials.followed(QUIET_SECONDS + 1)) == []
    assert len(denials) == 0


def test_what_was_told_at_the_end_of_a_pause_is_no_burst_once_more() -> None:
    denials = Denials()
    _told(denials, *[0.0] * MOST)
    _told(denials, *[QUIET_SECONDS - 1] * (MOST - 1))
    assert [each.count for each in denials.followed(QUIET_SECONDS)] == [MOST - 1]
    assert _told(denials, QUIET_SECONDS + 1) == []
    assert _told(denials, *[QUIET_SECONDS + 2] * (MOST - 1)) == [QUIET_SECONDS + 2]


def test_noise_without_end_is_told_once_a_pause() -> None:
    denials = Denials()
    bursts, follow_ups = 0, list[int]()
    for second in range(int(QUIET_SECONDS * 4)):
        bursts += denials.seen(NOBODY, float(second)) is not None
        follow_ups += [each.count for each in denials.followed(float(second))]
    # The first, and what is ten times as much as anybody could expect then.
    assert bursts == 2
    assert len(follow_ups) == 3


def test_what_becomes_ten_times_as_much_is_told_at_once() -> None:
    denials = Denials()
    told = [denials.seen(NOBODY, 0.0) for _ in range(MOST + ENOUGH)]
    assert [each.count for each in told if each] == [MOST, ENOUGH]
    assert told[-1] is not None


@pytest.mark.parametrize(
    "attacker",
    [
        replace(NOBODY, reason="the token's signature does not match"),
        replace(NOBODY, peer="10.0.0.9"),
        replace(NOBODY, door="secrets"),
        WEB,
    ],
    ids=["by its reason", "by its address", "by its door", "by its app"],
)
def test_a_noisy_prober_hides_nobody_else(attacker: Denied) -> None:
    denials = Denials()
    assert _told(denials, *[0.0] * MOST, denied=NOBODY)
    assert _told(denials, *[1.0] * MOST, denied=attacker) == [1.0]


def test_whoever_comes_in_by_the_same_way_as_a_prober_is_counted_and_told() -> None:
    denials = Denials()
    assert _told(denials, *[0.0] * MOST, denied=NOBODY)
    assert _told(denials, *[float(each) for each in range(ENOUGH)], denied=NOBODY) == [ENOUGH - 1.0]
    [after] = denials.followed(QUIET_SECONDS)
    assert after.count == ENOUGH


@pytest.mark.parametrize("part", ["peer", "reason"])
def test_made_up_addresses_and_reasons_fill_no_memory_and_are_a_burst_all_the_same(
    part: str,
) -> None:
    denials = Denials()
    sprayed = [replace(NOBODY, **{part: f"{part} {number}"}) for number in range(10_000)]
    told = [found for each in sprayed if (found := denials.seen(each, 0.0))]
    assert len(denials) == MOST_APART + 1
    # The first, and each time ten times as many.
    assert [each.count for each in told] == [MOST, ENOUGH, ENOUGH * TIMES_MORE]
    assert {each.denied for each in told} == {NOBODY.without_choices()}


def test_made_up_reasons_take_no_place_from_an_app_and_none_for_ever() -> None:
    denials = Denials()
    for number in range(100):
        denials.seen(replace(NOBODY, reason=f"reason {number}"), 0.0)
    assert _told(denials, *[1.0] * MOST, denied=WEB) == [1.0]
    later = WITHIN_SECONDS + 1
    [found] = filter(None, (denials.seen(NOBODY, later) for _ in range(MOST)))
    assert found.denied == NOBODY


def _event(now: datetime, reason: str, peer: str = "127.0.0.1:4711") -> AuditEvent:
    return AuditEvent(
        time=now, door="aws-api", action="Connect", result=Result.DENIED, reason=reason, peer=peer
    )


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("the token belongs to no app", "the token belongs to no app"),
        ("it expired at 2026-03-01T12:00:00Z", "it expired at …-…-…T…"),
        ("expected one Host header, got 7", "expected one Host header, got …"),
        ("Signed header '<!channel>' is not in the request.", "Signed header"),
        ("unknown parameter: https://evil.example", "unknown parameter"),
        ("x" * 500, "x" * 100),
        ("", ""),
    ],
)
def test_a_reason_is_without_numbers_and_without_a_caller_s_words(
    reason: str, shown: str, now: datetime
) -> None:
    assert denied_in(_event(now, reason)) == Denied("aws-api", "", LOOPBACK, shown)


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        ("127.0.0.1:1", LOOPBACK),
        ("127.9.8.7:65535", LOOPBACK),
        ("[::1]:1", LOOPBACK),
        ("[::ffff:127.0.0.1]:1", LOOPBACK),
        ("10.0.0.9:1", "10.0.0.9"),
        ("[::ffff:10.0.0.9]:1", "10.0.0.9"),
        ("[fd00::9]:1", "fd00::9"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_addresses_of_this_machine_are_one_and_ports_do_not_count(
    peer: str, shown: str, now: datetime
) -> None:
    assert denied_in(_event(now, "no", peer)).peer == shown
