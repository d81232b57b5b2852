"""Netlink messages, byte for byte; that the kernel understands them is seen beside this file."""

import struct
import sys
from ipaddress import ip_address

import pytest

from sidecar.network.netlink import add_address, answered_error, remove_address

ENDPOINT = ip_address("169.254.170.2")
ENDPOINT_6 = ip_address("fd00:ec2::23")
little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are little-endian")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)


@little_endian
def test_an_address_is_added_unless_it_is_there() -> None:
    assert add_address(ENDPOINT, interface=1, sequence=7) == _bytes(
        "28000000 1400 0506 07000000 00000000"  # 40 bytes, RTM_NEWADDR, REQUEST|ACK|EXCL|CREATE
        "02 20 00 fe 01000000"  # IPv4, /32, no flags, scope host, interface 1
        "0800 0200 a9feaa02"  # IFA_LOCAL
        "0800 0100 a9feaa02"  # IFA_ADDRESS
    )


@little_endian
def test_an_ipv6_address_is_used_without_asking_the_neighbours() -> None:
    packed = "fd000ec2000000000000000000000023"
    assert add_address(ENDPOINT_6, interface=1, sequence=1) == _bytes(
        "40000000 1400 0506 01000000 00000000"  # 64 bytes
        "0a 80 02 fe 01000000"  # IPv6, /128, NODAD
        f"1400 0200 {packed} 1400 0100 {packed}"
    )


@little_endian
def test_an_address_is_removed() -> None:
    assert remove_address(ENDPOINT, interface=3, sequence=2) == _bytes(
        "28000000 1500 0500 02000000 00000000"  # RTM_DELADDR, REQUEST|ACK
        "02 20 00 fe 03000000 0800 0200 a9feaa02 0800 0100 a9feaa02"
    )


def _answer(code: int, *, kind: int = 2, sequence: int = 7) -> bytes:
    return struct.pack("=IHHIIi", 36, kind, 0, sequence, 4711, code) + bytes(16)


@pytest.mark.parametrize(("code", "error"), [(0, 0), (-17, 17), (-1, 1)])
def test_the_answer_is_an_error_number_or_none(code: int, error: int) -> None:
    assert answered_error(_answer(code), 7) == error


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param(b"", "too short", id="nothing"),
        pytest.param(_answer(0)[:19], "too short", id="cut off"),
        pytest.param(_answer(0, sequence=8), "something else", id="to another request"),
        pytest.param(_answer(0, kind=20), "something else", id="another message"),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(answer: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        answered_error(answer, 7)
