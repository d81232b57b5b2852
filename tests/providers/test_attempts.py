"""The first session of a command: a few attempts where they may help, then the reason."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from sidecar.credentials import Credentials
from sidecar.errors import IdentityError, NotReady, UpstreamRefused, UpstreamUnavailable
from sidecar.providers.attempts import first_session

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.providers.conftest import FakeSource

DOWN = UpstreamUnavailable("no answer from AWS")


def _ask(
    source: "FakeSource", clock: "ManualClock", attempts: int = 3
) -> "asyncio.Task[Credentials]":
    return asyncio.create_task(first_session(source, clock, attempts=attempts, jitter=lambda: 0.5))


async def test_a_session_is_given_at_once(source: "FakeSource", clock: "ManualClock") -> None:
    session = await _ask(source, clock)
    assert (session.access_key_id, len(source.asked_at)) == ("ASIA1", 1)


async def test_what_may_pass_is_tried_again_and_told(
    source: "FakeSource", clock: "ManualClock", caplog: pytest.LogCaptureFixture
) -> None:
    source.failure = DOWN
    asking = _ask(source, clock)
    await clock.advance(1)
    source.failure = None
    await clock.advance(1)
    assert (await asking).access_key_id == "ASIA2"
    assert caplog.messages == ["attempt 1 of 3: no answer from AWS; next attempt in 1.2 s"]


async def test_after_the_last_attempt_its_reason_is_raised(
    source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = DOWN
    asking = _ask(source, clock)
    await clock.advance(60)
    with pytest.raises(UpstreamUnavailable, match="no answer from AWS"):
        await asking
    assert source.asked_after() == [0, 1.25, 3.5]


async def test_one_attempt_is_one(source: "FakeSource", clock: "ManualClock") -> None:
    source.failure = DOWN
    with pytest.raises(UpstreamUnavailable):
        await _ask(source, clock, attempts=1)
    assert len(source.asked_at) == 1


async def test_the_pauses_together_are_bounded_too(
    source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = UpstreamUnavailable("later", status=429, retry_after_seconds=16)
    asking = _ask(source, clock)
    await clock.advance(60)
    with pytest.raises(UpstreamUnavailable, match="later"):
        await asking
    assert len(source.asked_at) == 2


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(UpstreamRefused("no", status=403), id="refused"),
        pytest.param(IdentityError("the token is gone"), id="the identity"),
        pytest.param(RuntimeError("a bug"), id="a bug"),
        pytest.param(
            UpstreamUnavailable("later", status=429, retry_after_seconds=30), id="not soon"
        ),
    ],
)
async def test_what_will_not_pass_soon_is_not_tried_again(
    failure: Exception, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = failure
    with pytest.raises(type(failure)):
        await _ask(source, clock)
    assert len(source.asked_at) == 1


@pytest.mark.parametrize(
    ("failure", "pause"),
    [
        pytest.param(NotReady("the parent has none yet"), 1.25, id="a parent role"),
        pytest.param(UpstreamUnavailable("x", status=429), 5.25, id="throttled"),
        pytest.param(
            UpstreamUnavailable("x", status=503, retry_after_seconds=20), 21.25, id="asked to wait"
        ),
    ],
)
async def test_pauses_are_those_of_the_daemon(
    failure: Exception, pause: float, source: "FakeSource", clock: "ManualClock"
) -> None:
    source.failure = failure
    asking = _ask(source, clock, attempts=2)
    await clock.advance(60)
    assert source.asked_after() == [0, pause]
    with pytest.raises(type(failure)):
        await asking
