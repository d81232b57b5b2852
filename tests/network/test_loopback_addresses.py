"""Link-local addresses on `lo`, in network namespaces of their own."""

import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.errors import ListenError
from sidecar.network.loopback_addresses import on_loopback
from sidecar.network.netlink import IPAddress

if TYPE_CHECKING:
    from tests.conftest import Eventually
    from tests.network.conftest import InNamespace

ENDPOINTS = tuple(map(ip_address, ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")))
NO_IPV6 = Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6")


def _on_lo() -> set[str]:
    """List the addresses of `lo` that are not loopback, with the length of their prefixes."""
    shown = subprocess.run(
        ["ip", "-o", "addr", "show", "dev", "lo"], check=True, capture_output=True, text=True
    ).stdout
    found = {line.split()[3] for line in shown.splitlines()}
    return found - {"127.0.0.1/8", "::1/128"}


def test_addresses_are_there_as_long_as_they_are_wanted(in_namespace: "InNamespace") -> None:
    def story() -> list[set[str]]:
        seen = [_on_lo()]
        with on_loopback(ENDPOINTS):
            seen.append(_on_lo())
        return [*seen, _on_lo()]

    there = {"169.254.170.2/32", "169.254.170.23/32", "fd00:ec2::23/128"}
    assert in_namespace(story) == [set(), there, set()]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_a_client_in_the_namespace_connects(
    endpoint: IPAddress, in_namespace: "InNamespace", eventually: "Eventually"
) -> None:
    family = socket.AF_INET if endpoint.version == 4 else socket.AF_INET6

    def connect() -> str:
        with (
            suppress(OSError),
            socket.create_connection((str(endpoint), 80), timeout=5) as client,
        ):
            peer: str = client.getpeername()[0]
            return peer
        return ""

    def story() -> str:
        # An IPv6 address gets its route a moment after the kernel's answer.
        with on_loopback([endpoint]), socket.create_server((str(endpoint), 80), family=family):
            peer: str = eventually(connect)
            return peer

    assert in_namespace(story) == str(endpoint)


def test_an_address_that_was_there_before_stays(in_namespace: "InNamespace") -> None:
    def story() -> set[str]:
        with on_loopback(ENDPOINTS[:1]), on_loopback(ENDPOINTS):
            pass
        subprocess.run(["ip", "addr", "add", "169.254.170.2/32", "dev", "lo"], check=True)
        with on_loopback(ENDPOINTS):
            pass
        return _on_lo()

    assert in_namespace(story) == {"169.254.170.2/32"}


def test_what_somebody_else_removed_meanwhile_is_no_trouble(in_namespace: "InNamespace") -> None:
    def story() -> set[str]:
        with on_loopback(ENDPOINTS):
            subprocess.run(["ip", "addr", "del", "169.254.170.2/32", "dev", "lo"], check=True)
        return _on_lo()

    assert in_namespace(story) == set()


def test_the_address_is_not_chosen_as_a_source_towards_others(in_namespace: "InNamespace") -> None:
    def story() -> str:
        with on_loopback(ENDPOINTS[:1]):
            words = ["ip", "-o", "addr", "show", "to", "169.254.170.2"]
            return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    assert "scope host" in in_namespace(story)


def test_if_one_address_cannot_be_added_none_is_left(in_namespace: "InNamespace") -> None:
    def story() -> tuple[str, str, set[str]]:
        NO_IPV6.write_text("1")
        with pytest.raises(ListenError) as caught, on_loopback(ENDPOINTS):
            pass
        return caught.value.message, caught.value.hint, _on_lo()

    assert in_namespace(story) == (
        "fd00:ec2::23 cannot be added to lo: Permission denied",
        "IPv6 is off here: leave the address out, or set net.ipv6.conf.lo.disable_ipv6=0",
        set(),
    )


# Tries to add addresses, and says how that went.
ADD = """
import sys
from ipaddress import ip_address
from sidecar.errors import ListenError
from sidecar.network.netlink import IPAddress
from sidecar.network.loopback_addresses import on_loopback
try:
    with on_loopback(map(ip_address, sys.argv[1:])):
        print("fine")
except ListenError as exc:
    print(exc.message, exc.hint, sep="|")
"""


def _without_the_capability(*endpoints: str) -> str:
    dropped = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    words = [*dropped, sys.executable, "-c", ADD, *endpoints]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is missing")
def test_without_the_capability_the_error_says_what_to_do(in_namespace: "InNamespace") -> None:
    assert in_namespace(lambda: _without_the_capability("169.254.170.2")) == (
        "169.254.170.2 cannot be added to lo: Operation not permitted|"
        "give the sidecar CAP_NET_ADMIN (systemd: AmbientCapabilities; compose: cap_add: "
        "[NET_ADMIN] and user 0), or before it starts: ip addr add 169.254.170.2/32 dev lo"
    )


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is missing")
def test_without_the_capability_an_address_that_is_there_will_do(
    in_namespace: "InNamespace",
) -> None:
    def story() -> str:
        with on_loopback(ENDPOINTS):
            return _without_the_capability(*map(str, ENDPOINTS))

    assert in_namespace(story) == "fine"


def test_where_nothing_is_to_be_added_the_kernel_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(socket, "AF_NETLINK")
    with on_loopback([]):
        pass
    refused = pytest.raises(ListenError, match="cannot be added to lo: this is not Linux")
    with refused, on_loopback(ENDPOINTS):
        pass


def test_what_fails_while_the_addresses_are_there_is_not_their_trouble(
    in_namespace: "InNamespace",
) -> None:
    def story() -> set[str]:
        with pytest.raises(ConnectionError), on_loopback(ENDPOINTS):
            raise ConnectionError
        return _on_lo()

    assert in_namespace(story) == set()
