"""How an address is written, and what is none that can be listened on."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.config.address import Address, addresses

NO_PORT = "must be address:port, with a port from 0 to 65535"
NO_NAME = "must begin with an IP address, not a name"
MANY = "is an address of many machines, where nothing can listen"
ZONE = "must have no zone: listen on another address of that interface"
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
        pytest.param("0.0.0.0:9911", "0.0.0.0", id="every interface"),
        pytest.param("[::]:9911", "[::]", id="every IPv6 interface"),
        pytest.param("192.168.1.10:9911", "192.168.1.10", id="LAN"),
        pytest.param("[fe80::1]:80", "[fe80::1]", id="link-local"),
    ],
)
def test_any_ip_address_and_port_is_an_address(text: str, host_in_url: str) -> None:
    address = Address.parse(text)
    assert (str(address), address.host_in_url) == (text, host_in_url)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "[::ffff:192.168.1.10]:80", "is an IPv4 address: write 192.168.1.10", id="IPv4 in IPv6"
        ),
        pytest.param("[fe80::1%lo]:80", ZONE, id="a zone"),
        pytest.param("224.0.0.1:80", MANY, id="multicast"),
        pytest.param("255.255.255.255:80", MANY, id="broadcast"),
        pytest.param("[ff02::1]:80", MANY, id="IPv6 multicast"),
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
def test_an_address_that_is_read_is_written_as_it_was(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    text = f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"
    try:
        address = Address.parse(text)
    except ValueError:
        mapped = host.version == 6 and host.ipv4_mapped is not None
        assert mapped or host.is_multicast or str(host) == "255.255.255.255"
    else:
        assert (str(address), address.host, address.port) == (text, host, port)


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
        pytest.param(["127.0.0.1:1", "224.0.0.1:1"], MANY, id="one of two is none"),
    ],
)
def test_what_is_no_list_of_addresses_is_refused(value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        addresses(value)
