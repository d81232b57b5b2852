"""Which Host is served where a door listens beyond loopback: never just any."""

from typing import TYPE_CHECKING

import pytest

from sidecar.web.admin_door import AdminDoor
from sidecar.web.binding import Listening
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.listener import Door

if TYPE_CHECKING:
    from sidecar.access.callers import Callers
    from tests.web.conftest import LedgerOf, OneSessionEach, Open, PlannedDoor, Wire

NAMED = Listening(hosts=("sidecar.internal", "10.0.0.5", "[fd00::5]"))


async def _status(wire: "Wire", host: str) -> int:
    request = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    return (await wire.send(request)).status


def _at(wire: "Wire", host: str) -> "Wire":
    return type(wire)(host, wire.port)


@pytest.fixture
async def everywhere(open_on_loopback: "Open") -> "Wire":
    """Give the admin door on every IPv4 address, with further names; connect by `_at`."""
    return await open_on_loopback(AdminDoor(dict), "0.0.0.0:0", NAMED)


async def test_on_every_address_the_one_that_was_connected_to_is_served(
    everywhere: "Wire", own_address: str
) -> None:
    for host in ("127.0.0.1", "127.0.0.2", own_address):
        at = _at(everywhere, host)
        assert [await _status(at, each) for each in (host, at.authority)] == [200, 200]
    assert await _status(_at(everywhere, "127.0.0.1"), "LocalHost") == 200


@pytest.mark.parametrize("name", ["sidecar.internal", "SIDECAR.internal", "10.0.0.5", "[fd00::5]"])
async def test_configured_names_are_served_with_and_without_the_port(
    name: str, everywhere: "Wire", own_address: str
) -> None:
    at = _at(everywhere, own_address)
    assert [await _status(at, each) for each in (name, f"{name}:{at.port}")] == [200, 200]


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:{port}",
        "localhost",
        "127.0.0.1",
        "0.0.0.0",
        "0.0.0.0:{port}",
        "[::]",
        "*",
        "",
        "sidecar.internal.attacker.example",
        "sidecar.internal:1",
        "sidecar.internal.",
        "x.sidecar.internal",
        "{own}:1",
        "{own}.nip.io",
    ],
)
async def test_no_other_host_is_served_on_every_address(
    host: str, everywhere: "Wire", own_address: str
) -> None:
    filled = host.format(port=everywhere.port, own=own_address)
    assert await _status(_at(everywhere, own_address), filled) == 403


async def test_on_every_ipv6_address_likewise(open_on_loopback: "Open") -> None:
    wire = _at(await open_on_loopback(AdminDoor(dict), "[::]:0", NAMED), "::1")
    good = ("[::1]", f"[::1]:{wire.port}", "localhost", "sidecar.internal")
    assert {await _status(wire, host) for host in good} == {200}
    bad = ("attacker.example", "::1", "[::]", f"[::]:{wire.port}", "127.0.0.1", "[::2]")
    assert {await _status(wire, host) for host in bad} == {403}


async def test_on_one_address_names_are_served_and_no_other_address(
    open_on_loopback: "Open", own_address: str
) -> None:
    wire = await open_on_loopback(AdminDoor(dict), f"{own_address}:0", NAMED)
    good = (own_address, wire.authority, "sidecar.internal", f"sidecar.internal:{wire.port}")
    assert {await _status(wire, host) for host in good} == {200}
    bad = ("attacker.example", "127.0.0.1", "localhost", "0.0.0.0")
    assert {await _status(wire, host) for host in bad} == {403}


async def test_on_loopback_alone_further_names_are_not_served(open_on_loopback: "Open") -> None:
    wire = await open_on_loopback(AdminDoor(dict), "127.0.0.1:0", NAMED)
    assert [await _status(wire, each) for each in ("127.0.0.1", "sidecar.internal")] == [200, 403]


@pytest.fixture
def every_door(
    sessions: "OneSessionEach", callers: "Callers", ledger_of: "LedgerOf", planned: "PlannedDoor"
) -> list[Door]:
    planned.gate.set()
    credentials = CredentialsDoor(sessions, callers, ledger_of("credentials"))
    return [credentials, AdminDoor(dict, tokens=callers.access.static), planned]


@pytest.mark.parametrize("address", ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"])
async def test_a_rebound_name_is_refused_before_any_token_is_looked_at(
    address: str, every_door: list[Door], open_on_loopback: "Open"
) -> None:
    for door in every_door:
        opened = await open_on_loopback(door, address, NAMED)
        wire = _at(opened, "::1" if address.startswith("[") else "127.0.0.1")
        for host in ("attacker.example", f"attacker.example:{wire.port}"):
            request = f"GET /credentials HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            reply = await wire.send(request)
            assert reply.status == 403
            assert b"BadHost" in reply.body
