"""All variables or none, at the start and at each change, while time is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest

from sidecar.delivery.program_environment import ProgramEnvironment, Unresolved
from sidecar.delivery.reference import Reference
from sidecar.errors import NotFound, NotReady
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock

A, B = Reference.parse("secret://a"), Reference.parse("secret://b")


class Held:
    """Values that a test changes; an exception in a value's place is raised."""

    def __init__(self) -> None:
        self.values: dict[Reference, str | Exception] = {A: "1", B: "2"}
        self.listeners: dict[Reference, Callable[[], None]] = {}
        self.reads = 0

    async def read(self, reference: Reference) -> Secret:
        self.reads += 1
        found = self.values[reference]
        if isinstance(found, Exception):
            raise found
        return Secret(found)

    def watch(self, reference: Reference, changed: Callable[[], None]) -> Callable[[], None]:
        self.listeners[reference] = changed
        changed()
        return lambda: self.listeners.__delitem__(reference)

    def put(self, reference: Reference, value: str | Exception) -> None:
        self.values[reference] = value
        self.listeners[reference]()


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def environment(held: Held, clock: "ManualClock") -> ProgramEnvironment:
    """Give an environment with a plain variable and three references to two values."""
    plain = {"PLAIN": "p", "A": "secret://a", "AGAIN": "secret://a", "B": "secret://b"}
    return ProgramEnvironment(plain, {"A": A, "AGAIN": A, "B": B}, held, clock)


FIRST = {"PLAIN": "p", "A": "1", "AGAIN": "1", "B": "2"}


async def test_every_reference_becomes_its_value(environment: ProgramEnvironment) -> None:
    assert await environment.resolved() == FIRST


@pytest.mark.parametrize(
    ("a", "b", "names", "retryable"),
    [
        (NotReady("no session"), "2", ["A", "AGAIN"], True),
        (NotReady("no session"), NotFound("gone"), ["A", "AGAIN", "B"], False),
        ("1", NotFound("gone"), ["B"], False),
        ("a\0b", "2", ["A", "AGAIN"], False),
    ],
)
async def test_everything_that_has_no_value_is_named(
    environment: ProgramEnvironment,
    held: Held,
    a: str | Exception,
    b: str | Exception,
    names: list[str],
    retryable: bool,
) -> None:
    held.values = {A: a, B: b}
    with pytest.raises(Unresolved, match=f"{len(names)} of 3 references") as failed:
        await environment.resolved()
    assert [each.where for each in failed.value.problems] == [f"variable {n}" for n in names]
    assert failed.value.retryable == retryable


async def test_a_bug_is_not_taken_for_a_missing_value(
    environment: ProgramEnvironment, held: Held
) -> None:
    held.values[A] = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        await environment.resolved()


async def test_what_may_pass_is_waited_for(
    environment: ProgramEnvironment, held: Held, clock: "ManualClock"
) -> None:
    held.values[A] = NotReady("no session")
    waiting = asyncio.ensure_future(environment.awaited())
    await clock.advance(3)
    assert not waiting.done()
    held.values[A] = "late"
    await clock.advance(1)
    assert (await waiting)["A"] == "late"


async def test_what_will_not_pass_is_not_waited_for(
    environment: ProgramEnvironment, held: Held
) -> None:
    held.values[A] = NotFound("gone")
    with pytest.raises(Unresolved):
        await environment.awaited()


class Followed:
    """The changes that a program would be told of, as they come."""

    def __init__(self, changes: AsyncIterator[dict[str, str]]) -> None:
        self.seen: list[dict[str, str]] = []
        self.task = asyncio.ensure_future(self._follow(changes))

    async def _follow(self, changes: AsyncIterator[dict[str, str]]) -> None:
        async for each in changes:
            self.seen.append(each)


@pytest.fixture
async def followed(
    environment: ProgramEnvironment, clock: "ManualClock"
) -> AsyncIterator[Followed]:
    """Give what is told after a start with the first values."""
    followed = Followed(environment.changes(FIRST))
    await clock.advance(2)
    yield followed
    followed.task.cancel()
    await asyncio.gather(followed.task, return_exceptions=True)


async def test_values_that_are_the_same_are_no_change(
    followed: Followed, held: Held, clock: "ManualClock"
) -> None:
    held.put(A, "1")
    await clock.advance(100)
    assert followed.seen == []


async def test_changes_within_a_second_are_one(
    followed: Followed, held: Held, clock: "ManualClock"
) -> None:
    held.put(A, "new")
    await clock.advance(0.9)
    held.put(B, "new")
    assert followed.seen == []
    await clock.advance(0.2)
    assert followed.seen == [{"PLAIN": "p", "A": "new", "AGAIN": "new", "B": "new"}]
    await clock.advance(100)
    assert len(followed.seen) == 1


async def test_a_change_back_is_a_change_again(
    followed: Followed, held: Held, clock: "ManualClock"
) -> None:
    for value in ("new", "1"):
        held.put(A, value)
        await clock.advance(1)
    assert [each["A"] for each in followed.seen] == ["new", "1"]


@pytest.mark.parametrize(
    ("failure", "seconds"), [(NotReady("no session"), 2), (NotFound("gone"), 61)]
)
async def test_half_a_change_is_told_when_it_is_whole_and_not_before(
    followed: Followed,
    held: Held,
    clock: "ManualClock",
    failure: Exception,
    seconds: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    held.values[B] = failure
    held.put(A, "new")
    await clock.advance(1)
    assert followed.seen == []
    assert "variable B: " in caplog.text
    assert "new" not in caplog.text
    held.values[B] = "2"
    await clock.advance(seconds)
    assert [each["A"] for each in followed.seen] == ["new"]


async def test_a_good_value_after_a_bad_one_is_told_as_fast_as_any(
    followed: Followed, held: Held, clock: "ManualClock"
) -> None:
    held.put(A, NotFound("the secret has no key password"))
    await clock.advance(10)
    held.put(A, "new")
    await clock.advance(1)
    assert [each["A"] for each in followed.seen] == ["new"]


async def test_values_that_stay_away_are_asked_for_at_a_pace(
    followed: Followed, held: Held, clock: "ManualClock"
) -> None:
    del followed
    held.put(A, NotFound("gone"))
    await clock.advance(1)
    before = held.reads
    await clock.advance(600)
    assert held.reads - before <= 3 * 10


async def test_nothing_is_watched_any_more_in_the_end(followed: Followed, held: Held) -> None:
    assert held.listeners
    followed.task.cancel()
    await asyncio.gather(followed.task, return_exceptions=True)
    assert held.listeners == {}
