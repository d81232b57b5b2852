"""Places for calls: who gets one, who waits, and in which order they come."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.aws.fair_places import FairPlaces


async def _rest() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


class _Crowd:
    """Takers that hold a place until they are told to leave."""

    def __init__(self, count: int, most_waiting: int = 1000) -> None:
        self.places = FairPlaces(count, most_waiting)
        self.inside: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, *names: str) -> list[asyncio.Task[None]]:
        async def enter(name: str) -> None:
            await self.places.take(name)
            self.inside.append(name)

        tasks = [asyncio.create_task(enter(name)) for name in names]
        self._tasks += tasks
        await _rest()
        return tasks

    async def leave(self, name: str) -> None:
        self.inside.remove(name)
        self.places.give_back(name)
        await _rest()

    async def go_home(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("count", "comers", "inside"),
    [
        pytest.param(8, "aaaaaaaa", {"a": 4}, id="one alone gets half"),
        pytest.param(9, "aaaaaaaabbbbbbbb", {"a": 5, "b": 2}, id="and a second of the rest"),
        pytest.param(4, "abcd", {"a": 1, "b": 1, "c": 1, "d": 1}, id="each a place"),
        pytest.param(1, "ab", {"a": 1}, id="a single place"),
    ],
)
async def test_nobody_holds_more_places_than_are_left(
    count: int, comers: str, inside: dict[str, int]
) -> None:
    crowd = _Crowd(count)
    await crowd.come(*comers)
    assert Counter(crowd.inside) == inside
    await crowd.go_home()


async def test_somebody_new_never_waits_for_one_who_never_leaves() -> None:
    crowd = _Crowd(8)
    await crowd.come(*"aaaaaaaaaaaa")
    await crowd.come("b")
    assert crowd.inside == [*"aaaa", "b"]
    await crowd.go_home()


async def test_two_who_want_more_than_there_is_come_to_have_equal_parts() -> None:
    crowd = _Crowd(9)
    await crowd.come(*"a" * 10)
    await crowd.come(*"b" * 10)
    for _ in range(3):
        await crowd.leave("a")
    assert Counter(crowd.inside) == {"a": 3, "b": 3}
    await crowd.go_home()


async def test_those_of_one_come_in_the_order_in_which_they_asked() -> None:
    crowd = _Crowd(2)
    first, second, third = await crowd.come("a", "a", "a")
    await crowd.leave("a")
    assert (first.done(), second.done(), third.done()) == (True, True, False)
    await crowd.go_home()


async def test_one_who_asks_later_does_not_pass_those_who_wait() -> None:
    crowd = _Crowd(2)
    _, waiting = await crowd.come("a", "a")
    crowd.places.give_back("a")
    (late,) = await crowd.come("a")
    assert (waiting.done(), late.done()) == (True, False)
    await crowd.go_home()


async def test_those_who_wait_take_turns() -> None:
    crowd = _Crowd(1)
    await crowd.come(*"aaaabb")
    seen = []
    for _ in range(6):
        seen += crowd.inside
        await crowd.leave(crowd.inside[0])
    assert "".join(seen) == "aababa"
    await crowd.go_home()


async def test_a_wait_that_is_cancelled_takes_no_place() -> None:
    crowd = _Crowd(2)
    _, waiting = await crowd.come("a", "a")
    waiting.cancel()
    await _rest()
    await crowd.leave("a")
    assert crowd.inside == []
    await crowd.come("a")
    assert crowd.inside == ["a"]
    await crowd.go_home()


async def test_a_place_that_comes_in_the_moment_of_cancelling_goes_to_the_next() -> None:
    crowd = _Crowd(2)
    _, waiting, following = await crowd.come("a", "a", "a")
    crowd.places.give_back("a")
    waiting.cancel()
    await _rest()
    assert (waiting.cancelled(), following.done()) == (True, True)
    await crowd.go_home()


async def test_a_wait_cancelled_just_before_a_place_comes_does_not_lose_the_place() -> None:
    crowd = _Crowd(2)
    _, waiting, following = await crowd.come("a", "a", "a")
    waiting.cancel()
    crowd.places.give_back("a")
    await _rest()
    assert (waiting.cancelled(), following.done()) == (True, True)
    await crowd.go_home()


async def test_one_who_waits_as_often_as_may_be_is_turned_away_and_nobody_else_is() -> None:
    crowd = _Crowd(2, most_waiting=2)
    _, waiting, *_ = await crowd.come(*"aaa")
    with pytest.raises(asyncio.QueueFull):
        await asyncio.wait_for(crowd.places.take("a"), 10)
    await crowd.come("b")
    assert crowd.inside == ["a", "b"]
    waiting.cancel()
    await _rest()
    (late,) = await crowd.come("a")
    assert not late.done()
    await crowd.go_home()


_STEPS = st.lists(
    st.tuples(st.sampled_from(["come", "leave", "cancel"]), st.sampled_from("abc")), max_size=40
)


@given(count=st.integers(1, 6), steps=_STEPS)
def test_whatever_happens_no_place_is_lost_or_given_twice(
    count: int, steps: list[tuple[str, str]]
) -> None:
    asyncio.run(_play(count, steps))


async def _play(count: int, steps: list[tuple[str, str]]) -> None:
    crowd = _Crowd(count)
    waiting: list[asyncio.Task[None]] = []
    for step, name in steps:
        if step == "come":
            waiting += await crowd.come(name)
        elif step == "leave" and name in crowd.inside:
            await crowd.leave(name)
        elif step == "cancel" and waiting:
            waiting[-1].cancel()
            await _rest()
        waiting = [task for task in waiting if not task.done()]
        assert len(crowd.inside) <= count
    await crowd.go_home()
    for name in list(crowd.inside):
        await crowd.leave(name)
    everybody = [str(number) for number in range(count)]
    await crowd.come(*everybody)
    assert sorted(crowd.inside) == everybody
    await crowd.go_home()
