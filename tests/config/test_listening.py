"""Where each door may listen: at home, at SDKs' own addresses, or elsewhere if somebody said so."""

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.config.address import Address
from sidecar.config.consistency import inconsistencies
from sidecar.config.doors_section import DOOR_NAMES, AdminSection, DoorsSection
from sidecar.config.listening import (
    DOORS_WITH_TOKENS,
    address_problem,
    link_local_addresses,
    listening_problems,
    remote_doors,
)
from sidecar.config.load import Loaded

OWN = "127.0.0.1, [::1], 169.254.170.2, 169.254.170.23, [fd00:ec2::23]"
REMOTE_HINT = (
    f"use one of {OWN}; or, if other machines shall reach this door, set doors.allow_remote = true "
    "(docs/listening.md)"
)
ADMIN_HINT = "use 127.0.0.1 or [::1]; or set doors.allow_remote = true (docs/listening.md)"
NO_TOKEN_HINT = "use 127.0.0.1 or [::1]; or give it a token in [admin], and set doors.allow_remote"
REMOTE = ["0.0.0.0:9911", "[::]:9911", "192.168.1.10:9911", "169.254.169.254:80", "[fe80::1]:80"]
TOKEN = AdminSection(static_token_file=Path("admin.token"))

Found = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def found(load: Callable[..., Loaded], sound: dict[str, Any]) -> Found:
    """Give a function that returns what is wrong with these doors and this admin section."""

    def run(doors: dict[str, Any], admin: dict[str, Any] | None = None) -> list[tuple[str, str]]:
        config = load(sound | {"doors": doors, "admin": admin or {}}).config
        return [(str(each), each.hint) for each in inconsistencies(config)]

    return run


def test_doors_that_share_an_address_are_refused(found: Found) -> None:
    doors = {"credentials": ["[::1]:1", "127.0.0.1:1"], "admin": "127.0.0.1:1"}
    assert found(doors) == [
        ("doors.admin: 127.0.0.1:1 is taken by doors.credentials", "use another")
    ]


@pytest.mark.parametrize("door", sorted(DOORS_WITH_TOKENS))
@pytest.mark.parametrize("address", REMOTE)
def test_a_door_that_others_reach_must_be_allowed(door: str, address: str, found: Found) -> None:
    doors = {door: ["127.0.0.1:1", address]}
    assert found(doors) == [(f"doors.{door}: {address} is reachable from elsewhere", REMOTE_HINT)]
    assert found(doors | {"allow_remote": False}) == found(doors)
    assert found(doors | {"allow_remote": True}) == []


@pytest.mark.parametrize("address", ["169.254.170.2:80", "10.0.0.1:9913", "[::]:9913"])
def test_off_loopback_the_admin_door_needs_a_token_and_leave(address: str, found: Found) -> None:
    doors, allowed = {"admin": ["127.0.0.1:1", address]}, {"allow_remote": True}
    no_token = f"doors.admin: {address} is not a loopback address, and this door has no token"
    assert found(doors) == found(doors | allowed) == [(no_token, NO_TOKEN_HINT)]
    assert found(doors, {"token_env": "A"}) == [
        (f"doors.admin: {address} is reachable from elsewhere", ADMIN_HINT)
    ]
    assert found(doors | allowed, {"token_env": "A"}) == []
    assert found(doors | allowed, {"static_token_file": "a"}) == []


def test_the_admin_door_has_one_token(found: Found) -> None:
    assert found({}, {"token_env": "A", "static_token_file": "a"}) == [
        ("admin: has two tokens", "set one of static_token_file and token_env, or neither")
    ]


@pytest.mark.parametrize("door", ["metadata", "whatever-comes-next"])
def test_a_door_without_tokens_is_never_reached_from_elsewhere(door: str) -> None:
    allowed = DoorsSection(allow_remote=True)
    for address in (*REMOTE[:3], "169.254.170.2:80"):
        problem = address_problem(door, Address.parse(address), allowed, TOKEN)
        assert problem is not None
        assert problem.what.endswith("is reachable from elsewhere, and this door asks for no token")
    assert address_problem(door, Address.parse("127.0.0.1:1"), allowed, TOKEN) is None


@pytest.mark.parametrize("address", ["169.254.169.254:80", "[fd00:ec2::254]:80"])
def test_the_metadata_door_may_have_the_metadata_addresses(address: str) -> None:
    where = Address.parse(address)
    assert address_problem("metadata", where, DoorsSection(), AdminSection()) is None
    assert address_problem("credentials", where, DoorsSection(), AdminSection()) is not None


@given(st.sampled_from(DOOR_NAMES), st.ip_addresses())
def test_without_leave_no_door_opens_off_loopback_and_the_endpoints(
    door: str, host: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    problem = address_problem(door, Address(host, 1), DoorsSection(), TOKEN)
    known = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")
    assert (problem is None) == (host.is_loopback or (door != "admin" and str(host) in known))


def test_every_door_is_known_by_its_name() -> None:
    doors = DoorsSection()
    assert doors.by_door()["admin"] == doors.admin
    assert {*DOORS_WITH_TOKENS, "admin"} <= set(DOOR_NAMES)
    assert not {"allowed_hosts", "hop_limit"} & set(DOOR_NAMES)


def test_nothing_is_said_of_doors_and_tokens_that_could_not_be_read() -> None:
    doors = DoorsSection(admin=(Address.parse("10.0.0.1:1"),))
    both = AdminSection(static_token_file=Path("a"), token_env="A")
    assert list(listening_problems(doors, both, {"doors", "admin"})) == []
    assert list(listening_problems(doors, AdminSection(), {"admin"})) == []
    assert len(list(listening_problems(doors, AdminSection()))) == 1


def test_link_local_addresses_are_listed_once() -> None:
    both = tuple(map(Address.parse, ("169.254.170.2:80", "127.0.0.1:1", "[fd00:ec2::23]:80")))
    doors = DoorsSection(credentials=both, secrets=(Address.parse("169.254.170.2:2773"),))
    assert [str(each) for each in link_local_addresses(doors)] == ["169.254.170.2", "fd00:ec2::23"]


@pytest.mark.parametrize(
    ("addresses", "warned"),
    [
        (("127.0.0.1:1", "[::1]:1", "169.254.170.2:80"), False),
        (("127.0.0.1:1", "0.0.0.0:1"), True),
        (("192.168.1.10:1",), True),
    ],
)
def test_of_a_door_that_others_reach_it_is_said_that_nothing_is_encrypted(
    addresses: tuple[str, ...], *, warned: bool
) -> None:
    doors = DoorsSection(credentials=tuple(map(Address.parse, addresses)), allow_remote=True)
    found = list(remote_doors(doors))
    assert bool(found) is warned
    assert all("the credentials door at" in each and "plain HTTP" in each for each in found)
