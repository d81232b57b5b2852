"""The life of connections and doors: keep-alive, tricklers, IPv6, taken ports, the end."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING

import pytest

from sidecar.config.address import Address
from sidecar.errors import ListenError
from sidecar.web import listener
from sidecar.web.admin_door import AdminDoor
from sidecar.web.binding import bound_to
from sidecar.web.listener import ConnectionLimits, open_doors

if TYPE_CHECKING:
    from tests.web.conftest import LedgerOf, Open, PlannedDoor, Wire, WireTo

DRAIN_SECONDS = 0.6
LOOPBACK = (Address.parse("127.0.0.1:0"),)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Give a stack that a test may close before its end."""
    async with AsyncExitStack() as opened:
        yield opened


async def test_a_connection_serves_again_after_an_answer_but_not_after_a_refusal(
    admin: "Wire",
) -> None:
    reader, writer = await asyncio.open_connection(admin.host, admin.port)
    good = f"GET /healthz HTTP/1.1\r\nHost: {admin.authority}\r\n\r\n".encode()
    for _ in range(3):
        writer.write(good)
        assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200 OK")
    writer.write(good.replace(b"Host: ", b"Host: evil.example"))
    writer.write(good)
    assert (await reader.read()).count(b"HTTP/1.1") == 1
    writer.close()


@pytest.fixture
async def impatient(wire_to: "WireTo", stack: AsyncExitStack, ledger_of: "LedgerOf") -> "Wire":
    """Give an admin door that closes idle connections at once."""
    limits = ConnectionLimits(idle_seconds=0.1)
    opening = open_doors([(AdminDoor(dict), LOOPBACK)], ledger_of, limits=limits)
    (opened,) = await stack.enter_async_context(opening)
    return wire_to(opened.urls[0])


async def _silent(writer: asyncio.StreamWriter) -> None:
    del writer


async def _trickle(writer: asyncio.StreamWriter) -> None:
    for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"x" * 5000:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("act", [_silent, _trickle])
async def test_a_connection_that_never_finishes_its_head_is_closed(
    act: Callable[[asyncio.StreamWriter], Awaitable[None]], impatient: "Wire"
) -> None:
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(impatient.host, impatient.port)
        sending = asyncio.ensure_future(act(writer))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        sending.cancel()
        writer.transport.abort()
        await asyncio.gather(sending, return_exceptions=True)


async def test_an_idle_connection_is_closed_after_its_answer_too(impatient: "Wire") -> None:
    request = f"GET /healthz HTTP/1.1\r\nHost: {impatient.authority}\r\n\r\n"
    assert (await impatient.send(request)).status == 200


async def test_ipv6_loopback_has_its_own_hosts(open_on_loopback: "Open") -> None:
    wire = await open_on_loopback(AdminDoor(dict), "[::1]:0")
    template = "GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"
    good = ("[::1]", f"[::1]:{wire.port}", f"localhost:{wire.port}")
    assert {(await wire.send(template.format(host))).status for host in good} == {200}
    bad = ("127.0.0.1", "::1", f"[::2]:{wire.port}")
    assert {(await wire.send(template.format(host))).status for host in bad} == {403}


async def test_a_taken_port_is_an_error_with_a_hint(admin: "Wire", ledger_of: "LedgerOf") -> None:
    free_and_taken = (*LOOPBACK, Address.parse(admin.authority))
    with pytest.raises(ListenError) as caught:
        async with open_doors([(AdminDoor(dict), free_and_taken)], ledger_of):
            pass
    assert str(caught.value) == (
        f"the admin door cannot listen on {admin.authority}: Address already in use"
    )
    assert caught.value.hint == "free the port, or set doors.admin to another address"


async def test_of_two_that_bind_an_address_at_once_the_later_is_told_that_it_is_taken(
    ledger_of: "LedgerOf", monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        address = Address.parse(f"127.0.0.1:{other.getsockname()[1]}")
        # Called between binding and listening.
        monkeypatch.setattr(listener, "limit_hops", lambda *_: other.listen())
        with pytest.raises(ListenError, match=f"cannot listen on {address}: Address already in"):
            async with open_doors([(AdminDoor(dict), (address,))], ledger_of):
                pass


@pytest.mark.parametrize(
    ("address", "why", "hint"),
    [
        pytest.param(
            "203.0.113.9:9913",
            "Cannot assign requested address",
            "no interface has this address: add it, or set doors.admin to another address",
            id="somebody else's",
        ),
        pytest.param(
            "[2001:db8::9]:9913",
            "Cannot assign requested address",
            "no interface has this address, or IPv6 is off here: add it, or set doors.admin to "
            "another address",
            id="somebody else's, IPv6",
        ),
    ],
)
async def test_an_address_of_no_interface_is_an_error_with_a_hint(
    address: str, why: str, hint: str, ledger_of: "LedgerOf"
) -> None:
    with pytest.raises(ListenError) as caught:
        async with open_doors([(AdminDoor(dict), (Address.parse(address),))], ledger_of):
            pass
    assert str(caught.value) == f"the admin door cannot listen on {address}: {why}"
    assert caught.value.hint == hint


async def test_a_machine_without_ipv6_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_family(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "not said")

    monkeypatch.setattr(socket, "socket", no_such_family)
    with pytest.raises(ListenError) as caught, ExitStack() as stack:
        bound_to("admin", Address.parse("[::1]:9913"), stack)
    assert "cannot listen on [::1]:9913: Address family not supported" in str(caught.value)
    assert "IPv6 is off here" in caught.value.hint


async def test_a_low_port_that_is_not_allowed_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "not said")

    monkeypatch.setattr(socket, "socket", forbidden)
    with pytest.raises(ListenError, match="Permission denied") as caught, ExitStack() as stack:
        bound_to("credentials", Address.parse("127.0.0.1:80"), stack)
    assert "CAP_NET_BIND_SERVICE" in caught.value.hint


async def test_a_door_listens_on_both_families_at_once(
    wire_to: "WireTo", stack: AsyncExitStack, ledger_of: "LedgerOf"
) -> None:
    both = (*LOOPBACK, Address.parse("[::1]:0"))
    (opened,) = await stack.enter_async_context(open_doors([(AdminDoor(dict), both)], ledger_of))
    assert [(await wire_to(url).ask("/healthz")).status for url in opened.urls[:1]] == [200]
    other = wire_to(opened.urls[1])
    request = f"GET /healthz HTTP/1.1\r\nHost: [::1]:{other.port}\r\nConnection: close\r\n\r\n"
    assert (await other.send(request)).status == 200


async def test_of_doors_none_opens_if_one_cannot(ledger_of: "LedgerOf") -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = (Address.parse(f"127.0.0.1:{taken.getsockname()[1]}"),)
        with pytest.raises(ListenError):
            async with open_doors(
                [(AdminDoor(dict), LOOPBACK), (AdminDoor(dict), busy)], ledger_of
            ):
                pass


@pytest.fixture
async def closing(
    planned: "PlannedDoor", stack: AsyncExitStack, wire_to: "WireTo", ledger_of: "LedgerOf"
) -> "Wire":
    limits = ConnectionLimits(drain_seconds=DRAIN_SECONDS)
    (opened,) = await stack.enter_async_context(
        open_doors([(planned, LOOPBACK)], ledger_of, limits=limits)
    )
    return wire_to(opened.urls[0])


async def test_a_request_under_way_is_answered_before_the_door_closes(
    planned: "PlannedDoor", closing: "Wire", stack: AsyncExitStack
) -> None:
    asking = asyncio.create_task(closing.ask("/"))
    await planned.entered.wait()
    ending = asyncio.create_task(stack.aclose())
    with pytest.raises(ConnectionError):
        await _refused(closing)
    planned.gate.set()
    assert (await asking).status == 200
    await ending


async def _refused(wire: "Wire") -> None:
    """Connect again and again, until it is refused."""
    async with asyncio.timeout(5):
        while True:
            _, writer = await asyncio.open_connection(wire.host, wire.port)
            writer.transport.abort()


async def test_a_request_that_hangs_does_not_keep_the_door_from_closing(
    planned: "PlannedDoor", closing: "Wire", stack: AsyncExitStack
) -> None:
    asking = asyncio.create_task(closing.exchange(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    await planned.entered.wait()
    async with asyncio.timeout(DRAIN_SECONDS * 1.5):
        await stack.aclose()
    assert await asking == b""


async def test_doors_drain_together_each_answering_what_is_under_way(
    make_planned: "Callable[[], PlannedDoor]",
    wire_to: "WireTo",
    stack: AsyncExitStack,
    ledger_of: "LedgerOf",
) -> None:
    doors = [make_planned(), make_planned()]
    opening = open_doors([(door, LOOPBACK) for door in doors], ledger_of)
    opened = await stack.enter_async_context(opening)
    asking = [asyncio.create_task(wire_to(each.urls[0]).ask("/")) for each in opened]
    for door in doors:
        await door.entered.wait()
    ending = asyncio.create_task(stack.aclose())
    # Both are closed before either request is answered.
    for each in opened:
        with pytest.raises(ConnectionError):
            await _refused(wire_to(each.urls[0]))
    for door in doors:
        door.gate.set()
    assert [reply.status for reply in await asyncio.gather(*asking)] == [200, 200]
    await ending


async def test_two_doors_that_hang_close_in_the_time_of_one(
    make_planned: "Callable[[], PlannedDoor]",
    wire_to: "WireTo",
    stack: AsyncExitStack,
    ledger_of: "LedgerOf",
) -> None:
    doors = [make_planned(), make_planned()]
    limits = ConnectionLimits(drain_seconds=DRAIN_SECONDS)
    opening = open_doors([(door, LOOPBACK) for door in doors], ledger_of, limits=limits)
    opened = await stack.enter_async_context(opening)
    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    asking = [asyncio.create_task(wire_to(each.urls[0]).exchange(request)) for each in opened]
    for door in doors:
        await door.entered.wait()
    async with asyncio.timeout(DRAIN_SECONDS * 1.5):
        await stack.aclose()
    assert await asyncio.gather(*asking) == [b"", b""]


@pytest.mark.parametrize("failure", [RuntimeError("hunter2"), TimeoutError("hunter2")])
async def test_a_bug_is_logged_and_answered_without_a_word_about_it(
    failure: Exception,
    planned: "PlannedDoor",
    closing: "Wire",
    caplog: pytest.LogCaptureFixture,
) -> None:
    planned.failure = failure
    planned.gate.set()
    reply = await closing.ask("/")
    assert (reply.status, reply.body) == (500, b"InternalFailure")
    assert "the planned door failed on a request" in caplog.text
