"""A role that is assumed through another: what it needs of the parent, and what it tells it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import TYPE_CHECKING, cast

import pytest

from sidecar.arn import role_arn
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.aws.sts import SessionRequest, Sts
from sidecar.credentials import Credentials
from sidecar.errors import NotReady, UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.providers.assume_role import AssumeRoleSource
from sidecar.providers.refreshing import RefreshingRole

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.providers.conftest import FakeSource

ROLE = role_arn("arn:aws:iam::999999999999:role/api")


@dataclass
class FakeSts:
    """Stands for STS: notes who asked for what, and gives a session or the failure planned."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    failure: UpstreamError | None = None

    async def assume_role(self, asked: SessionRequest, credentials: Credentials) -> Credentials:
        self.asked.append((asked.session_name, credentials.access_key_id))
        if self.failure is not None:
            raise self.failure
        return replace(credentials, access_key_id="ASIACHAINED")


@dataclass
class Pair:
    """A source that is chained on a role, with what stands behind both."""

    parent: RefreshingRole
    parent_source: "FakeSource"
    sts: FakeSts
    chained: AssumeRoleSource
    clock: "ManualClock"
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def fetch(self, failure: Exception | None = None) -> Credentials:
        """Fetch while the parent is renewing, which begins now and may fail."""
        self.parent_source.failure = failure
        if not self.tasks:
            self.tasks.append(asyncio.create_task(self.parent.run()))
        return await self.chained.fetch()


@pytest.fixture
async def pair(
    role: RefreshingRole, source: "FakeSource", clock: "ManualClock"
) -> AsyncIterator[Pair]:
    """Give a pair that is at rest; requests are named one after another."""
    names = chain(["first", "second"], repeat("later"))

    def request() -> SessionRequest:
        return SessionRequest(role_arn=ROLE, session_name=next(names), duration_seconds=900)

    sts = FakeSts()
    pair = Pair(role, source, sts, AssumeRoleSource(cast("Sts", sts), role, request), clock)
    yield pair
    for task in pair.tasks:
        task.cancel()
    await asyncio.gather(*pair.tasks, return_exceptions=True)


async def test_a_session_is_asked_for_with_the_parent_s_credentials_of_that_moment(
    pair: Pair,
) -> None:
    await pair.fetch()
    await pair.clock.advance(2400)
    await pair.fetch()
    assert pair.sts.asked == [("first", "ASIA1"), ("second", "ASIA2")]


async def test_the_first_attempt_waits_for_that_of_the_parent(pair: Pair) -> None:
    pair.parent_source.gate.clear()
    waiting = asyncio.create_task(pair.fetch())
    await pair.clock.advance(1)
    assert pair.sts.asked == []
    pair.parent_source.gate.set()
    assert (await waiting).access_key_id == "ASIACHAINED"
    assert pair.sts.asked == [("first", "ASIA1")]


async def test_a_parent_without_a_session_is_the_reason(pair: Pair) -> None:
    gone = UpstreamRefused("the trust anchor is gone", hint="make another")
    with pytest.raises(NotReady, match=r"role billing: the trust anchor is gone$") as caught:
        await pair.fetch(gone)
    assert caught.value.hint == "make another"
    assert pair.sts.asked == []
    assert pair.chained.waits_for_parent


@pytest.mark.parametrize("code", sorted(CREDENTIALS_REFUSED))
async def test_a_parent_whose_credentials_aws_does_not_know_is_renewed(
    pair: Pair, code: str
) -> None:
    pair.sts.failure = UpstreamUnavailable("no", code=code)
    with pytest.raises(UpstreamUnavailable):
        await pair.fetch()
    assert pair.chained.waits_for_parent
    await pair.clock.advance(40)
    assert len(pair.parent_source.asked_at) == 2


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(UpstreamRefused("no", code="AccessDenied"), id="refused"),
        pytest.param(UpstreamUnavailable("no", code="Throttling"), id="throttled"),
        pytest.param(UpstreamRefused("no", code="SignatureDoesNotMatch"), id="a wrong clock"),
    ],
)
async def test_any_other_failure_is_not_the_parent_s(pair: Pair, failure: UpstreamError) -> None:
    pair.sts.failure = failure
    with pytest.raises(UpstreamError):
        await pair.fetch()
    assert not pair.chained.waits_for_parent
    await pair.clock.advance(40)
    assert len(pair.parent_source.asked_at) == 1


async def test_a_fault_that_no_session_of_the_parent_mends_does_not_use_up_its_quota(
    pair: Pair, clock: "ManualClock"
) -> None:
    """A region that is not enabled refuses every session, however new."""
    pair.sts.failure = UpstreamUnavailable("no", code="InvalidClientTokenId")
    child = RefreshingRole("api", pair.chained, clock, jitter=lambda: 0.5)
    pair.parent.on_change(lambda _: child.renew_soon())
    for role in (pair.parent, child):
        pair.tasks.append(asyncio.create_task(role.run()))
    await clock.advance(3600)
    assert len(pair.parent_source.asked_at) < 10


async def test_a_session_of_the_parent_ends_the_waiting_for_it(pair: Pair) -> None:
    with pytest.raises(NotReady):
        await pair.fetch(UpstreamUnavailable("no"))
    pair.parent_source.failure = None
    await pair.clock.advance(60)
    await pair.fetch()
    assert not pair.chained.waits_for_parent
