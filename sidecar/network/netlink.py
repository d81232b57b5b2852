"""Netlink messages that add an address to an interface or remove it, and the kernel's answer: pure.

The formats are those of linux/netlink.h, linux/rtnetlink.h and linux/if_addr.h; rtnetlink(7) and
RFC 3549 describe them. Numbers are in the machine's own byte order.
"""

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Final

IPAddress = IPv4Address | IPv6Address

_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_ADDRESS: Final = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface
_ATTRIBUTE: Final = struct.Struct("=HH")  # length, type
_ERROR: Final = struct.Struct("=i")

_NLMSG_ERROR: Final = 2
_RTM_NEWADDR: Final = 20
_RTM_DELADDR: Final = 21
_NLM_F_REQUEST: Final = 0x1
_NLM_F_ACK: Final = 0x4
_NLM_F_EXCL: Final = 0x200
_NLM_F_CREATE: Final = 0x400
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
# An IPv6 address is usable at once: nobody else can have it on this interface.
_IFA_F_NODAD: Final = 0x02
# Not to be chosen as the source of what is sent to other machines.
_RT_SCOPE_HOST: Final = 254
_AF_INET: Final = 2
_AF_INET6: Final = 10


def add_address(address: IPAddress, interface: int, sequence: int) -> bytes:
    """Write the request to add one address, with the longest prefix, unless it is there.

    Args:
        address: what to add.
        interface: the interface's index.
        sequence: the number that the answer will have.

    """
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE | _NLM_F_EXCL
    return _request(_RTM_NEWADDR, flags, sequence, _body(address, interface))


def remove_address(address: IPAddress, interface: int, sequence: int) -> bytes:
    """Write the request to remove one address that was added with the longest prefix."""
    flags = _NLM_F_REQUEST | _NLM_F_ACK
    return _request(_RTM_DELADDR, flags, sequence, _body(address, interface))


def answered_error(answer: bytes, sequence: int) -> int:
    """Read the kernel's answer to a request: an error number of `errno`, 0 if it is done.

    Raises:
        ValueError: it is no answer to this request.

    """
    if len(answer) < _HEADER.size + _ERROR.size:
        raise ValueError("the kernel's answer is too short")
    _, kind, _, number, _ = _HEADER.unpack_from(answer)
    if kind != _NLMSG_ERROR or number != sequence:
        raise ValueError("the kernel answered something else")
    (code,) = _ERROR.unpack_from(answer, _HEADER.size)
    return abs(int(code))


def _body(address: IPAddress, interface: int) -> bytes:
    old = isinstance(address, IPv4Address)
    family, flags = (_AF_INET, 0) if old else (_AF_INET6, _IFA_F_NODAD)
    head = _ADDRESS.pack(family, address.max_prefixlen, flags, _RT_SCOPE_HOST, interface)
    return head + _attribute(_IFA_LOCAL, address) + _attribute(_IFA_ADDRESS, address)


def _attribute(kind: int, address: IPAddress) -> bytes:
    # Both kinds of address are a multiple of four bytes long, so that nothing is to be padded.
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(address.packed), kind) + address.packed


def _request(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, sequence, 0) + body
