"""Listening sockets: bound to an address, with a limit on how far their answers travel."""

import errno
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from sidecar.config.address import CONTAINER_ENDPOINTS, METADATA_ENDPOINTS, Address, IPAddress
from sidecar.errors import ListenError

_LOWEST_FREE_PORT: Final = 1024
_LOOPBACK: Final = b"lo"
_DEVICE: Final = (socket.SOL_SOCKET, socket.SO_BINDTODEVICE)
_LONGEST_DEVICE: Final = 16


@dataclass(frozen=True, slots=True)
class Listening:
    """How doors listen, whichever they are.

    Args:
        hop_limit: how many networks an answer may travel through; not over loopback.
        hosts: further names for `Host`, where a door does not listen on loopback alone.
        only_over_loopback: addresses at which nothing is accepted that came over another interface
            than `lo`, though they are no loopback addresses.
        inherited: sockets by door, that listen already and take the place of its addresses.

    """

    hop_limit: int = 1
    hosts: tuple[str, ...] = ()
    only_over_loopback: frozenset[IPAddress] = frozenset()
    inherited: Mapping[str, tuple[socket.socket, ...]] = field(default_factory=dict)

    def bound(
        self, door: str, addresses: Iterable[Address], stack: ExitStack
    ) -> tuple["Bound", ...]:
        """Give a door's sockets, which `stack` closes: inherited ones, or bound to its addresses.

        Raises:
            ListenError: an address is taken or is not this machine's.

        """
        if door in self.inherited:
            taken = [stack.enter_context(each) for each in self.inherited[door]]
            return tuple(self._taken_over(door, each) for each in taken)
        return tuple(bound_to(door, each, stack, self._device(each)) for each in addresses)

    def _device(self, address: Address) -> bytes:
        return _LOOPBACK if address.host in self.only_over_loopback else b""

    def _taken_over(self, door: str, opened: socket.socket) -> "Bound":
        address = address_of(opened)
        device = self._device(address)
        # Of a socket that is bound to a device only CAP_NET_RAW may change that, if only to itself.
        if device and opened.getsockopt(*_DEVICE, _LONGEST_DEVICE).rstrip(b"\0") != device:
            try:
                opened.setsockopt(*_DEVICE, device)
            except OSError as exc:
                raise ListenError(
                    f"the {door} door's socket on {address} cannot be kept to lo: "
                    f"{os.strerror(exc.errno or 0)}",
                    hint="set BindToDevice=lo in its .socket unit",
                ) from exc
        return Bound(opened, address)


@dataclass(frozen=True, slots=True)
class Bound:
    """A socket and the address that it really has."""

    socket: socket.socket
    address: Address


def bound_to(door: str, address: Address, stack: ExitStack, device: bytes = b"") -> Bound:
    """Bind a socket to a door's address.

    Args:
        door: whose address it is.
        address: where to listen; port 0 lets the system pick one.
        stack: what closes the socket.
        device: the one interface over which connections may come; empty means any.

    Raises:
        ListenError: the address is taken or is not this machine's.

    """
    family = socket.AF_INET6 if isinstance(address.host, IPv6Address) else socket.AF_INET
    try:
        opened = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if device:
            opened.setsockopt(*_DEVICE, device)
        opened.bind((str(address.host), address.port))
    except OSError as exc:
        raise cannot_listen(door, address, exc) from exc
    return Bound(opened, address_of(opened))


def cannot_listen(door: str, address: Address, why: OSError) -> ListenError:
    """Make the error of a door that does not get its address."""
    return ListenError(
        f"the {door} door cannot listen on {address}: {os.strerror(why.errno or 0)}",
        hint=_hint(door, address, why.errno),
    )


def address_of(opened: socket.socket) -> Address:
    """Give the address that an IPv4 or IPv6 socket is bound to."""
    host, port = opened.getsockname()[:2]
    return Address(ip_address(host.partition("%")[0]), port)


def limit_hops(bound: Bound, hops: int) -> None:
    """Limit how many networks a socket's answers travel through.

    The connections that it accepts have the limit too, and so has the SYN-ACK: who is further away
    cannot even connect (ip(7), ipv6(7), RFC 3493 section 5.1).
    """
    if bound.address.host.is_loopback:
        return
    bound.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
    if bound.socket.family == socket.AF_INET6:
        bound.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)


def _hint(door: str, address: Address, code: int | None) -> str:
    other = f"set doors.{door} to another address"
    if code == errno.EADDRNOTAVAIL and address.host in CONTAINER_ENDPOINTS | METADATA_ENDPOINTS:
        return f"no interface has this address: add it (doors.add_link_local does), or {other}"
    if code == errno.EADDRNOTAVAIL and isinstance(address.host, IPv4Address):
        return f"no interface has this address: add it, or {other}"
    if code in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return f"no interface has this address, or IPv6 is off here: add it, or {other}"
    if code == errno.EACCES and 0 < address.port < _LOWEST_FREE_PORT:
        return (
            f"ports below {_LOWEST_FREE_PORT} need CAP_NET_BIND_SERVICE, or a lower "
            "net.ipv4.ip_unprivileged_port_start"
        )
    return f"free the port, or {other}"
