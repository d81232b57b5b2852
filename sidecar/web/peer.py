"""Who is at the other end of a Unix socket."""

import socket
import struct
from dataclasses import dataclass
from typing import Final, Protocol

ROOT: Final = 0

# struct ucred of unix(7): pid, uid and gid.
_UCRED: Final = struct.Struct("iII")


class Connection(Protocol):
    """A socket, or what asyncio shows of one."""

    def getsockopt(self, level: int, option: int, buflen: int, /) -> bytes:
        """Read an option of the socket."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end, as it was when it connected, or when it began to listen."""

    uid: int
    pid: int


def peer_of(connection: Connection) -> Peer:
    """Ask the kernel, which cannot be lied to (SO_PEERCRED of unix(7)).

    Raises:
        OSError: this is no connected Unix socket.

    """
    pid, uid, _ = _UCRED.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    )
    return Peer(uid, pid)
