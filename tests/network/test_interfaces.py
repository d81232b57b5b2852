"""When the owner of a network namespace has gone; decided by names, seen in a real namespace."""

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from sidecar.network.interfaces import (
    LOOK_SECONDS,
    connects,
    looks_without,
    names_of_interfaces,
    until_network_is_lost,
)

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.network.conftest import InNamespace

HOME = ["lo"]
JOINED = ["lo", "eth0"]


@pytest.mark.parametrize(
    ("names", "leads_somewhere"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param(HOME, False, id="loopback"),
        pytest.param(["lo", "tunl0", "sit0", "ip6tnl0", "gre0"], False, id="what is everywhere"),
        pytest.param(JOINED, True, id="an interface"),
        pytest.param(["lo", "tunl1"], True, id="a tunnel that somebody made"),
    ],
)
def test_what_leads_anywhere(names: list[str], *, leads_somewhere: bool) -> None:
    assert connects(names) == leads_somewhere


@pytest.mark.parametrize(
    ("before", "names", "after"),
    [
        pytest.param(None, HOME, None, id="never anything but loopback"),
        pytest.param(None, JOINED, 0, id="an interface at last"),
        pytest.param(0, HOME, 1, id="gone"),
        pytest.param(1, HOME, 2, id="still gone"),
        pytest.param(1, JOINED, 0, id="back again"),
    ],
)
def test_looks_without_an_interface_are_counted(
    before: int | None, names: list[str], after: int | None
) -> None:
    assert looks_without(before, names) == after


async def _ended(
    clock: "ManualClock", seen: list[list[str] | OSError], looks: int | None = None
) -> bool:
    """Let it look at one after the other, then at the last for ever; say whether it has ended."""
    left = list(seen)

    def look() -> list[str]:
        now = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(now, OSError):
            raise now
        return now

    waiting = asyncio.ensure_future(until_network_is_lost(clock, look))
    await clock.advance(LOOK_SECONDS * ((looks or len(seen) + 5) - 1))
    done = waiting.done() and not waiting.exception()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return done


async def test_two_looks_without_an_interface_mean_that_the_owner_has_gone(
    clock: "ManualClock",
) -> None:
    assert not await _ended(clock, [JOINED, HOME], looks=2)
    assert await _ended(clock, [JOINED, HOME], looks=3)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param([HOME], id="never anything but loopback"),
        pytest.param([JOINED], id="nothing happened"),
        pytest.param([JOINED, HOME, JOINED], id="a network was exchanged"),
        pytest.param([JOINED, OSError(24, "too many open files")], id="nothing could be seen"),
    ],
)
async def test_otherwise_it_goes_on(seen: list[list[str] | OSError], clock: "ManualClock") -> None:
    assert not await _ended(clock, seen)


async def test_a_network_that_came_later_can_be_lost_too(clock: "ManualClock") -> None:
    assert await _ended(clock, [HOME, HOME, JOINED, HOME])


def test_a_wire_that_is_removed_is_seen(in_namespace: "InNamespace") -> None:
    def story() -> list[bool]:
        seen = [connects(names_of_interfaces())]
        for words in (["add", "eth0", "type", "veth", "peer", "name", "far"], ["del", "eth0"]):
            subprocess.run(["ip", "link", *words], check=True)
            seen.append(connects(names_of_interfaces()))
        return seen

    assert in_namespace(story) == [False, True, False]
