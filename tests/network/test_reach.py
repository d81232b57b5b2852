"""Who reaches a door off loopback: neighbours, and others only as far as the hop limit goes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.network.conftest import Wires

DOOR = Path(__file__).with_name("door_in_namespace.py")
# Connects once and says how that went.
KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1.5).close()
except OSError as error:
    print(type(error).__name__)
else:
    print("open")
"""


@pytest.fixture
def routed(wires: "Wires") -> "Wires":
    """Give a client, a router and a server, one network between each."""
    for name in ("c", "r", "s"):
        wires.add(name)
    for one, other in (("10.77.1.{}/24", "10.77.2.{}/24"), ("fd77:1::{}/64", "fd77:2::{}/64")):
        if ":" not in one:
            wires.connect("c", one.format(1), "r", one.format(2))
            wires.connect("r", other.format(2), "s", other.format(1))
            continue
        for name, end, address in (
            ("c", "to-r", one.format(1)),
            ("r", "to-c", one.format(2)),
            ("r", "to-s", other.format(2)),
            ("s", "to-r", other.format(1)),
        ):
            wires.ip(name, "addr", "add", address, "dev", end, "nodad")
    for name, far, via in (("c", "2", "1"), ("s", "1", "2")):
        wires.ip(name, "route", "add", f"10.77.{far}.0/24", "via", f"10.77.{via}.2")
        wires.ip(name, "route", "add", f"fd77:{far}::/64", "via", f"fd77:{via}::2")
    on = "echo 1 | tee /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"
    subprocess.run(wires.inside("r", "sh", "-c", on), check=True, capture_output=True)
    return wires


@contextmanager
def _door(wires: "Wires", address: str, hops: int, *device: str) -> Iterator[str]:
    """Open a door in the server's namespace; give its port."""
    words = [sys.executable, str(DOOR), f"{address}:0", str(hops), *(device or ("",))]
    with subprocess.Popen(
        wires.inside("s", *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()
    assert process.returncode == 0


def _knock(wires: "Wires", name: str, host: str, port: str) -> str:
    words = wires.inside(name, sys.executable, "-c", KNOCK, host, port)
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("address", "host"),
    [
        pytest.param("10.77.2.1", "10.77.2.1", id="IPv4"),
        pytest.param("0.0.0.0", "10.77.2.1", id="every IPv4 address"),
        pytest.param("[fd77:2::1]", "fd77:2::1", id="IPv6"),
        pytest.param("[::]", "fd77:2::1", id="every IPv6 address"),
    ],
)
def test_behind_a_router_nobody_connects_with_one_hop_and_everybody_with_two(
    address: str, host: str, routed: "Wires"
) -> None:
    found = []
    for hops in (1, 2):
        with _door(routed, address, hops) as port:
            found.append([_knock(routed, name, host, port) for name in ("s", "r", "c")])
    assert found == [["open", "open", "TimeoutError"], ["open", "open", "open"]]


@pytest.mark.parametrize("device", [("",), ("lo",), ("lo", "inherited")])
def test_a_link_local_address_on_lo_is_not_reached_by_neighbours_that_route_to_it(
    device: tuple[str, ...], wires: "Wires"
) -> None:
    for name in ("n", "s"):
        wires.add(name)
    wires.connect("n", "10.77.3.2/24", "s", "10.77.3.1/24")
    wires.ip("s", "addr", "add", "169.254.170.2/32", "dev", "lo", "scope", "host")
    wires.ip("n", "route", "add", "169.254.170.2/32", "via", "10.77.3.1")
    with _door(wires, "169.254.170.2", 1, *device) as port:
        found = [_knock(wires, name, "169.254.170.2", port) for name in ("s", "n")]
    # Without the device it would be: that is why the device is there.
    assert found == ["open", "ConnectionRefusedError" if device[0] else "open"]
