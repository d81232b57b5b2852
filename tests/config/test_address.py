"""Where a door may listen: loopback and the container endpoints, and nowhere else."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.config.address import Address, addresses, metadata_addresses

NO_PORT = "must be address:port, with a port from 0 to 65535"
NO_NAME = "must begin with an IP address, not a name"
OUTSIDE = (
    "is reachable from elsewhere: a door opens on loopback, 169.254.170.2, 169.254.170.23 or "
    "fd00:ec2::23 only"
)
BRACKETS = "an IPv6 address goes into brackets: [::1]:9911"
NO_LIST = 'must be "address:port", a list of them, or "off"'


@pytest.mark.parametrize(
    ("text", "host_in_url"),
    [
        pytest.param("127.0.0.1:9911", "127.0.0.1", id="loopback"),
        pytest.param("127.255.255.254:1", "127.255.255.254", id="all of 127/8"),
        pytest.param("127.0.0.1:0", "127.0.0.1", id="a free port"),
        pytest.param("127.0.0.1:65535", "127.0.0.1", id="the last port"),
        pytest.param("[::1]:9911", "[::1]", id="IPv6 loopback"),
        pytest.param("169.254.170.2:80", "169.254.170.2", id="ECS"),
        pytest.param("169.254.170.23:80", "169.254.170.23", id="EKS"),
        pytest.param("[fd00:ec2::23]:80", "[fd00:ec2::23]", id="EKS on IPv6"),
    ],
)
def test_addresses_that_only_this_machine_reaches_are_accepted(text: str, host_in_url: str) -> None:
    address = Address.parse(text)
    assert (str(address), address.host_in_url) == (text, host_in_url)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("0.0.0.0:9911", OUTSIDE, id="every interface"),
        pytest.param("[::]:9911", OUTSIDE, id="every IPv6 interface"),
        pytest.param("192.168.1.10:9911", OUTSIDE, id="LAN"),
        pytest.param("169.254.169.254:80", OUTSIDE, id="another link-local address"),
        pytest.param("[fe80::1]:80", OUTSIDE, id="another IPv6 link-local address"),
        pytest.param("[::ffff:192.168.1.10]:80", OUTSIDE, id="LAN, mapped into IPv6"),
        pytest.param("localhost:9911", NO_NAME, id="a name"),
        pytest.param("sidecar:9911", NO_NAME, id="a compose service"),
        pytest.param(":9911", NO_NAME, id="no address"),
        pytest.param("127.1:9911", NO_NAME, id="a short form"),
        pytest.param("127.0.0.1", NO_PORT, id="no port"),
        pytest.param("127.0.0.1:", NO_PORT, id="an empty port"),
        pytest.param("127.0.0.1:65536", NO_PORT, id="a port too high"),
        pytest.param("127.0.0.1:-1", NO_PORT, id="a negative port"),
        pytest.param("127.0.0.1:http", NO_PORT, id="a port's name"),
        pytest.param("http://127.0.0.1:9911", BRACKETS, id="a URL"),
        pytest.param("::1:9911", BRACKETS, id="IPv6 without brackets"),
        pytest.param("[::1]", NO_PORT, id="IPv6 without a port"),
        pytest.param("", NO_PORT, id="nothing"),
    ],
)
def test_every_other_address_is_refused_with_a_reason(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Address.parse(text)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_no_address_outside_loopback_and_the_container_endpoints_opens(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    text = f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"
    try:
        address = Address.parse(text)
    except ValueError:
        assert not host.is_loopback
    else:
        known = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")
        assert address.host.is_loopback or str(address.host) in known


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("off", [], id="off"),
        pytest.param("127.0.0.1:1", ["127.0.0.1:1"], id="one"),
        pytest.param("127.0.0.1:1, [::1]:1", ["127.0.0.1:1", "[::1]:1"], id="several in a text"),
        pytest.param(["127.0.0.1:1", "[::1]:1"], ["127.0.0.1:1", "[::1]:1"], id="a list"),
        pytest.param(["127.0.0.1:0", "127.0.0.1:0"], ["127.0.0.1:0"] * 2, id="two free ports"),
    ],
)
def test_a_door_listens_on_any_number_of_addresses(value: object, expected: list[str]) -> None:
    assert [str(each) for each in addresses(value)] == expected


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param(["127.0.0.1:1", "127.0.0.1:1"], "names an address twice", id="twice"),
        pytest.param([], NO_LIST, id="an empty list"),
        pytest.param(9911, NO_LIST, id="a number"),
        pytest.param(True, NO_LIST, id="a boolean"),
        pytest.param({"port": 9911}, NO_LIST, id="a table"),
        pytest.param("", NO_PORT, id="empty"),
        pytest.param("OFF", NO_PORT, id="off in capitals"),
        pytest.param(["off"], NO_PORT, id="off in a list"),
        pytest.param("127.0.0.1:1,", NO_PORT, id="a comma too many"),
        pytest.param(["127.0.0.1:1", "0.0.0.0:1"], OUTSIDE, id="one of two is open to all"),
    ],
)
def test_what_is_no_list_of_addresses_is_refused(value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        addresses(value)


@pytest.mark.parametrize(
    "text", ["127.0.0.1:9912", "[::1]:9912", "169.254.169.254:80", "[fd00:ec2::254]:80"]
)
def test_the_metadata_door_opens_on_loopback_and_where_ec2_has_it(text: str) -> None:
    assert [str(each) for each in metadata_addresses(text)] == [text]


@pytest.mark.parametrize(
    "text", ["169.254.170.2:80", "[fd00:ec2::23]:80", "0.0.0.0:80", "[::]:80", "192.168.1.10:80"]
)
def test_the_metadata_door_opens_nowhere_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is reachable from elsewhere"):
        metadata_addresses(text)
