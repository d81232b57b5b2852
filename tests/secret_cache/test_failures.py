"""Reads while AWS fails or refuses: what stands in, for how long, and when AWS is asked again."""

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery
from sidecar.errors import (
    NotReady,
    SidecarError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import MakeCache, Upstream

TTL, MAX_STALE = 300, 600
RENEWED_AT = 285
NEGATIVE = 3

PASSING = [
    UpstreamUnavailable("Rate exceeded", status=400, code="ThrottlingException"),
    UpstreamTimeout("Timeout", code="TimeoutError"),
    UpstreamUnreachable("Read Error", code="ConnectionError"),
    NotReady("no session for role default yet"),
]
REFUSED = UpstreamRefused("no", status=400, code="ResourceNotFoundException")


async def test_a_value_that_gets_too_old_before_aws_fails_does_not_stand_in(
    clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    clock.jump(TTL + MAX_STALE - 0.25)
    upstream.gate.clear()
    upstream.failure = PASSING[0]
    asking = asyncio.create_task(ask())
    await clock.advance(60)
    upstream.gate.set()
    with pytest.raises(UpstreamUnavailable):
        await asking


@pytest.mark.parametrize("failure", PASSING, ids=lambda each: type(each).__name__)
async def test_the_held_value_is_served_while_aws_cannot_be_asked_and_not_too_long(
    clock: "ManualClock", upstream: "Upstream", failure: SidecarError, ask: Any
) -> None:
    await ask()
    upstream.failure = failure
    clock.jump(TTL)
    assert await ask() == (1, "stale")
    clock.jump(MAX_STALE - 1)
    assert await ask() == (1, "stale")
    clock.jump(1)
    with pytest.raises(type(failure)) as caught:
        await ask()
    assert caught.value is failure


async def test_after_a_failure_aws_is_left_alone_for_a_while(
    clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    upstream.failure = PASSING[0]
    clock.jump(TTL)
    pauses = []
    for number in range(2, 10):
        while len(upstream.asked) < number:
            assert (await ask())[1] == "stale"
            await clock.advance(0.125)
        pauses.append(clock.elapsed())
    gaps = [later - sooner for sooner, later in pairwise(pauses)]
    assert gaps == pytest.approx([0.625, 1.125, 2.125, 4.125, 8.125, 15.125, 15.125], abs=0.13)


async def test_a_recovered_aws_is_noticed_by_the_first_attempt_after_the_pause(
    clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    clock.jump(TTL)
    upstream.failure = PASSING[0]
    await ask()
    upstream.failure = None
    clock.jump(1)
    assert await ask() == (1, "stale")
    await clock.advance(0)
    assert await ask() == (3, "hit")


@pytest.mark.parametrize("held", [False, True])
async def test_without_a_useful_value_a_failure_stands_for_all_reads_of_a_moment(
    clock: "ManualClock", upstream: "Upstream", ask: Any, *, held: bool
) -> None:
    if held:
        await ask()
        clock.jump(TTL + MAX_STALE)
    before = len(upstream.asked)
    upstream.failure = PASSING[0]
    for _ in range(1000):
        with pytest.raises(UpstreamUnavailable, match=r"^Rate exceeded$"):
            await ask()
    assert len(upstream.asked) == before + 1
    upstream.failure = None
    clock.jump(0.625)
    assert await ask() == (before + 2, "miss")


async def test_what_is_only_not_ready_yet_is_asked_for_by_the_next_read(
    upstream: "Upstream", ask: Any
) -> None:
    upstream.failure = NotReady("no session for role default yet")
    with pytest.raises(NotReady):
        await ask()
    upstream.failure = None
    assert await ask() == (2, "miss")


async def test_a_secret_that_aws_refuses_is_forgotten_at_once(
    clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    upstream.failure = REFUSED
    with pytest.raises(UpstreamRefused):
        await ask(refresh_now=True)
    upstream.failure = PASSING[0]
    clock.jump(NEGATIVE)
    with pytest.raises(UpstreamUnavailable):
        await ask()


async def test_a_refusal_is_remembered_for_a_few_seconds(
    clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    upstream.failure = REFUSED
    for _ in range(50):
        with pytest.raises(UpstreamRefused, match="no"):
            await ask(refresh_now=True)
    assert len(upstream.asked) == 1
    upstream.failure = None
    clock.jump(NEGATIVE)
    assert await ask() == (2, "miss")


async def test_a_refusal_of_one_secret_is_not_another_s(upstream: "Upstream", ask: Any) -> None:
    upstream.failure = REFUSED
    with pytest.raises(UpstreamRefused):
        await ask("a")
    upstream.failure = None
    assert await ask("b") == (2, "miss")


async def test_a_secret_denied_while_it_is_renewed_does_not_come_back(
    clock: "ManualClock", upstream: "Upstream", ask: Any
) -> None:
    await ask()
    clock.jump(RENEWED_AT)
    upstream.failure = REFUSED
    assert (await ask())[1] == "hit"
    await clock.advance(0)
    with pytest.raises(UpstreamRefused):
        await ask()


@pytest.mark.parametrize("turns", range(6))
async def test_a_secret_denied_as_patience_ends_does_not_come_back(
    clock: "ManualClock", upstream: "Upstream", turns: int, ask: Any
) -> None:
    await ask()
    clock.jump(TTL)
    upstream.gate.clear()
    upstream.failure = REFUSED
    asking = asyncio.create_task(ask())
    await clock.advance(0.4)
    upstream.gate.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    await clock.advance(0.2)
    await asyncio.gather(asking, return_exceptions=True)
    with pytest.raises(UpstreamRefused):
        await ask()


async def test_an_unexpected_failure_is_logged_and_hides_nothing_that_is_held(
    clock: "ManualClock", upstream: "Upstream", ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.failure = RuntimeError("canary")  # type: ignore[assignment] # no error of ours
    with pytest.raises(SidecarError, match="unexpected RuntimeError; see the log"):
        await ask()
    upstream.failure = None
    await ask()
    upstream.failure = RuntimeError("canary")  # type: ignore[assignment] # no error of ours
    clock.jump(TTL)
    assert await ask() == (2, "stale")
    assert "reading secret a failed unexpectedly" in caplog.messages


async def test_a_failure_names_the_secret_and_not_its_value(
    cache: SecretCache,
    reader: Reader,
    upstream: "Upstream",
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await cache.get(reader, SecretQuery("a\nb"))
    upstream.failure = PASSING[0]
    clock.jump(TTL)
    await cache.get(reader, SecretQuery("a\nb"))
    (message,) = caplog.messages
    assert message.startswith("secret a\\nb cannot be renewed and is served as it is: Rate")
    assert message.endswith("; next attempt in 0.6 s")
    held = [repr(each) for each in vars(cache).values()]
    assert "canary" not in caplog.text + repr(answer) + repr(answer.copy) + "".join(held)


@pytest.mark.parametrize("refresh_now", [False, True])
async def test_without_serving_stale_a_failure_goes_through_when_the_time_is_over(
    make_cache: "MakeCache",
    upstream: "Upstream",
    clock: "ManualClock",
    reader: Reader,
    *,
    refresh_now: bool,
) -> None:
    limits = Limits(ttl_seconds=TTL, max_stale_seconds=600, size=2, serve_stale=False)
    cache = make_cache(upstream, clock, limits)
    await cache.get(reader, SecretQuery("a"))
    upstream.failure = PASSING[0]
    clock.jump(TTL - 1)
    assert (await cache.get(reader, SecretQuery("a"))).state == "hit"
    clock.jump(0 if refresh_now else 1)
    with pytest.raises(UpstreamUnavailable):
        await cache.get(reader, SecretQuery("a"), refresh_now=refresh_now)


@pytest.mark.parametrize("wait", [True, False])
async def test_without_serving_stale_what_was_invalidated_is_not_served(
    make_cache: "MakeCache",
    upstream: "Upstream",
    clock: "ManualClock",
    reader: Reader,
    *,
    wait: bool,
) -> None:
    limits = Limits(ttl_seconds=TTL, max_stale_seconds=600, size=2, serve_stale=False)
    cache = make_cache(upstream, clock, limits)
    await cache.get(reader, SecretQuery("a"))
    upstream.failure = PASSING[0]
    cache.invalidate("a", wait=wait)
    with pytest.raises(UpstreamUnavailable):
        await cache.get(reader, SecretQuery("a"))
