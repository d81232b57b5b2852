"""Roles that requests name: one session for all, no storm at STS, always room for one more."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.arn import Arn
from sidecar.assumed_roles import AssumedRoles
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import NotReady, SidecarError, UpstreamRefused
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock

MOST = 3


def _arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


@dataclass
class PlannedSts:
    """Stands for STS: notes who was asked for, and gives sessions of an hour or what is planned."""

    clock: Clock
    asked: list[str] = field(default_factory=list)
    failures: dict[str, SidecarError] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def source(self, arn: Arn) -> "PlannedSource":
        return PlannedSource(self, arn)

    def calls(self, name: str) -> int:
        return self.asked.count(name)


@dataclass
class PlannedSource:
    sts: PlannedSts
    arn: Arn

    async def fetch(self) -> Credentials:
        self.sts.asked.append(self.arn.resource_name)
        await self.sts.gate.wait()
        if failure := self.sts.failures.get(self.arn.resource_name):
            raise failure
        now = self.sts.clock.now()
        return Credentials(
            access_key_id=f"ASIA{len(self.sts.asked)}",
            secret_access_key=Secret("canary-secret"),
            session_token=Secret("canary-token"),
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            role_arn=str(self.arn),
            account_id="123456789012",
        )


@pytest.fixture
def sts(clock: "ManualClock") -> PlannedSts:
    sts = PlannedSts(clock)
    sts.gate.set()
    return sts


@pytest.fixture
def forgotten() -> list[str]:
    """Give the names of the roles that had to make room."""
    return []


@pytest.fixture
async def roles(
    sts: PlannedSts, clock: "ManualClock", forgotten: list[str]
) -> AsyncIterator[AssumedRoles]:
    roles = AssumedRoles(
        sts.source,
        clock,
        most=MOST,
        forget=lambda arn: forgotten.append(arn.rpartition("/")[2]),
        jitter=float,
    )
    running = asyncio.create_task(roles.run())
    yield roles
    running.cancel()
    await roles.close()


Use = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture
def use(roles: AssumedRoles) -> Use:
    """Give a function that uses roles for a moment, and returns the key of the last one."""

    async def used(*names: str) -> str:
        key = ""
        for name in names:
            key = (await roles.role(_arn(name))).current().access_key_id
        return key

    return used


async def test_a_role_is_assumed_once_for_all_who_name_it(use: Use, sts: PlannedSts) -> None:
    sts.gate.clear()
    asking = [asyncio.create_task(use("a")) for _ in range(500)]
    await asyncio.sleep(0)
    sts.gate.set()
    assert set(await asyncio.gather(*asking)) == {"ASIA1"}
    assert await use("a") == "ASIA1"
    assert sts.asked == ["a"]


async def test_each_role_has_a_session_of_its_own(use: Use, sts: PlannedSts) -> None:
    assert [await use("a"), await use("b")] == ["ASIA1", "ASIA2"]
    assert sts.asked == ["a", "b"]


async def test_a_session_is_renewed_ahead_while_its_role_is_in_use(
    use: Use, clock: "ManualClock"
) -> None:
    assert await use("a") == "ASIA1"
    await clock.advance(1801)
    assert await use("a") == "ASIA2"


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (UpstreamRefused("AccessDenied: not trusted", hint="change it"), "not trusted"),
        (NotReady("no session for role default yet"), "role default"),
    ],
)
async def test_a_failure_is_told_to_all_and_asked_for_again_after_seconds_only(
    failure: SidecarError, message: str, use: Use, sts: PlannedSts, clock: "ManualClock"
) -> None:
    sts.failures["a"] = failure
    asked = await asyncio.gather(*(use("a") for _ in range(500)), return_exceptions=True)
    assert all(isinstance(each, NotReady) and message in each.message for each in asked)
    await clock.advance(4.9)
    with pytest.raises(NotReady, match=message) as caught:
        await use("a")
    assert caught.value.hint == failure.hint
    assert sts.calls("a") == 1
    await clock.advance(0.1)
    with pytest.raises(NotReady, match=message):
        await use("a")
    assert sts.calls("a") == 2


async def test_a_role_that_was_refused_for_long_is_served_seconds_after_it_is_mended(
    use: Use, sts: PlannedSts, clock: "ManualClock"
) -> None:
    sts.failures["a"] = UpstreamRefused("not trusted")
    for _ in range(20):
        await asyncio.gather(use("a"), return_exceptions=True)
        await clock.advance(60)
    del sts.failures["a"]
    assert await use("a")


async def test_nobody_is_asked_for_a_role_that_only_failed_once_and_was_not_named_again(
    use: Use, sts: PlannedSts, clock: "ManualClock"
) -> None:
    sts.failures["a"] = UpstreamRefused("not trusted")
    await asyncio.gather(use("a"), return_exceptions=True)
    await clock.advance(7200)
    assert sts.calls("a") == 1


async def test_a_session_is_served_to_its_end_when_sts_fails_and_a_new_one_is_asked_for_then(
    use: Use, sts: PlannedSts, clock: "ManualClock"
) -> None:
    await use("a")
    sts.failures["a"] = UpstreamRefused("not trusted any more")
    await clock.advance(1799)
    await use("a")
    await clock.advance(1800)
    assert await use("a") == "ASIA1"
    await clock.advance(2)
    with pytest.raises(NotReady, match="not trusted any more"):
        await use("a")
    del sts.failures["a"]
    await clock.advance(5)
    assert await use("a") != "ASIA1"


async def test_one_role_too_many_takes_the_place_of_the_one_idle_for_longest(
    use: Use, sts: PlannedSts, forgotten: list[str], clock: "ManualClock"
) -> None:
    await use("a", "b", "c", "a", "d")
    assert forgotten == ["b"]
    await clock.advance(1801)
    assert (sts.calls("a"), sts.calls("b"), sts.calls("d")) == (2, 1, 2)


async def test_there_is_always_room_for_one_more(
    use: Use, sts: PlannedSts, forgotten: list[str]
) -> None:
    names = [str(number) for number in range(10 * MOST)]
    await use(*names)
    assert forgotten == names[:-MOST]
    assert sts.asked == names


async def test_a_role_that_fails_pushes_no_other_out(
    use: Use, sts: PlannedSts, forgotten: list[str]
) -> None:
    await use("a", "b")
    for name in ("x", "y", "z"):
        sts.failures[name] = UpstreamRefused("no")
        await asyncio.gather(use(name), return_exceptions=True)
    assert forgotten == []


async def test_a_role_in_use_is_not_given_up_until_it_is_idle(
    roles: AssumedRoles, use: Use, forgotten: list[str]
) -> None:
    with roles.using(_arn("a")), roles.using(_arn("b")):
        await use("a", "b")
        with roles.using(_arn("c")):
            await use("c", "d")
            assert forgotten == ["d"]
            with roles.using(_arn("e")):
                await use("e")
                assert forgotten == ["d"]
        assert forgotten == ["d", "e"]


async def test_the_newest_role_is_not_given_up_while_it_is_being_assumed(
    roles: AssumedRoles, use: Use, sts: PlannedSts, forgotten: list[str]
) -> None:
    await use("a", "b", "c")
    sts.gate.clear()
    asking = asyncio.create_task(use("d"))
    await asyncio.sleep(0)
    with roles.using(_arn("a")), roles.using(_arn("b")), roles.using(_arn("c")):
        pass
    sts.gate.set()
    assert await asking
    assert "d" not in forgotten


@pytest.mark.parametrize(("used_again", "calls"), [(0, 2), (1750, 3)])
async def test_a_role_is_renewed_for_an_hour_after_its_last_use_and_then_no_more(
    used_again: int, calls: int, use: Use, sts: PlannedSts, clock: "ManualClock"
) -> None:
    await use("a")
    await clock.advance(used_again)
    await use("a")
    await clock.advance(2 * 3600 - used_again)
    before = sts.calls("a")
    assert before == calls
    await clock.advance(24 * 3600)
    assert sts.calls("a") == before
    assert await use("a")
    assert sts.calls("a") == before + 1


async def test_a_role_that_is_no_longer_renewed_has_its_values_kept(
    use: Use, forgotten: list[str], clock: "ManualClock"
) -> None:
    await use("a")
    await clock.advance(7200)
    assert forgotten == []


async def test_a_role_in_use_for_more_than_an_hour_goes_on_being_renewed(
    roles: AssumedRoles, use: Use, sts: PlannedSts, clock: "ManualClock"
) -> None:
    with roles.using(_arn("a")):
        await use("a")
        await clock.advance(7200)
    assert sts.calls("a") == 5


@pytest.mark.parametrize(
    "arn", ["arn:x:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/"]
)
async def test_what_cannot_be_a_roles_arn_is_told_as_such(
    arn: str, roles: AssumedRoles, sts: PlannedSts
) -> None:
    with pytest.raises(NotReady, match="ARN"):
        await roles.role(arn)
    assert sts.asked == []


async def test_the_end_ends_every_renewal(
    roles: AssumedRoles, use: Use, sts: PlannedSts, clock: "ManualClock"
) -> None:
    await use("a", "b")
    await roles.close()
    await clock.advance(3600)
    assert sts.asked == ["a", "b"]
