"""Addresses that are on `lo` as long as somebody listens on them."""

import errno
import logging
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Final

from sidecar.errors import ListenError
from sidecar.network.netlink import IPAddress, add_address, answered_error, remove_address

log = logging.getLogger(__name__)

LOOPBACK: Final = "lo"
_ANSWER_BYTES: Final = 4096
_ANSWER_SECONDS: Final = 5.0


@contextmanager
def on_loopback(addresses: Iterable[IPAddress]) -> Iterator[None]:
    """Have addresses on `lo` until the block is left; those that were there before stay.

    Raises:
        ListenError: the kernel refuses, or this is not Linux.

    """
    with ExitStack() as stack:
        kernel: _Kernel | None = None
        for address in addresses:
            kernel = kernel or _kernel(address, stack)
            if _added(kernel, address):
                stack.callback(_remove, kernel, address)
        yield


class _Kernel:
    """A connection to the kernel's routing tables; one question at a time."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._sequence = count(1)
        self._interface = socket.if_nametoindex(LOOPBACK)

    def add(self, address: IPAddress) -> int:
        """Add an address to `lo`; return the error's number or 0."""
        sequence = next(self._sequence)
        return self._ask(add_address(address, self._interface, sequence), sequence)

    def remove(self, address: IPAddress) -> int:
        """Remove an address from `lo`; return the error's number or 0."""
        sequence = next(self._sequence)
        return self._ask(remove_address(address, self._interface, sequence), sequence)

    def _ask(self, request: bytes, sequence: int) -> int:
        self._socket.send(request)
        return answered_error(self._socket.recv(_ANSWER_BYTES), sequence)


def _kernel(address: IPAddress, stack: ExitStack) -> _Kernel:
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise _cannot(address, "this is not Linux", _by_hand(address))
    try:
        opened = socket.socket(family, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        stack.enter_context(opened).settimeout(_ANSWER_SECONDS)
        opened.bind((0, 0))
        return _Kernel(opened)
    except OSError as exc:
        raise _cannot(address, os.strerror(exc.errno or 0), _by_hand(address)) from exc


def _added(kernel: _Kernel, address: IPAddress) -> bool:
    """Add an address; say whether it was not there before."""
    code = kernel.add(address)
    if code == 0:
        log.info("added %s to %s", address, LOOPBACK)
        return True
    if code == errno.EEXIST or (code == errno.EPERM and _is_here(address)):
        return False
    raise _cannot(address, os.strerror(code), _hint(address, code))


def _remove(kernel: _Kernel, address: IPAddress) -> None:
    code = kernel.remove(address)
    if code not in (0, errno.EADDRNOTAVAIL):  # somebody else has removed it
        log.warning("cannot remove %s from %s: %s", address, LOOPBACK, os.strerror(code))


def _is_here(address: IPAddress) -> bool:
    """Whether an address is this machine's, on whatever interface."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.bind((str(address), 0))
    except OSError:
        return False
    return True


def _cannot(address: IPAddress, why: str, hint: str) -> ListenError:
    return ListenError(f"{address} cannot be added to {LOOPBACK}: {why}", hint=hint)


def _hint(address: IPAddress, code: int) -> str:
    if code == errno.EPERM:
        return (
            "give the sidecar CAP_NET_ADMIN (systemd: AmbientCapabilities; compose: cap_add: "
            f"[NET_ADMIN] and user 0), or before it starts: {_by_hand(address)}"
        )
    if address.version == 6:  # noqa: PLR2004
        return "IPv6 is off here: leave the address out, or set net.ipv6.conf.lo.disable_ipv6=0"
    return _by_hand(address)


def _by_hand(address: IPAddress) -> str:
    return f"ip addr add {address}/{address.max_prefixlen} dev {LOOPBACK}"
