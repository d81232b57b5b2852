"""Sockets that systemd opened for the doors and passed on: sd_listen_fds(3), systemd.socket(5)."""

import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final

from sidecar.config.address import Address
from sidecar.config.doors_section import DOOR_NAMES
from sidecar.config.listening import address_problem
from sidecar.config.schema import Config
from sidecar.errors import ListenError
from sidecar.web.binding import address_of

Inherited = Mapping[str, tuple[socket.socket, ...]]

_PID: Final = "LISTEN_PID"
_COUNT: Final = "LISTEN_FDS"
_NAMES: Final = "LISTEN_FDNAMES"
_VARIABLES: Final = (_PID, _COUNT, _NAMES, "LISTEN_PIDFDID")
# Where the sockets begin: after the standard streams.
_FIRST: Final = 3
# What systemd calls sockets when it tells no names.
_UNNAMED: Final = "unknown"
_NAME_HINT: Final = f"in the .socket unit set FileDescriptorName to one of {', '.join(DOOR_NAMES)}"


def passed_on(variables: Mapping[str, str], process: int) -> list[tuple[int, str]]:
    """List the descriptors that were passed to this process, each with its name.

    Args:
        variables: the environment.
        process: this process's id; what another one was passed is not ours.

    Raises:
        ListenError: the variables contradict each other.

    """
    if variables.get(_PID) != str(process):
        return []
    told = variables.get(_COUNT, "")
    if not told.isdecimal():
        raise ListenError(f"{_COUNT} is not a number: {told!r}", hint="it is systemd that sets it")
    count = int(told)
    names = variables[_NAMES].split(":") if variables.get(_NAMES) else [_UNNAMED] * count
    if len(names) != count:
        raise ListenError(
            f"{_NAMES} has {len(names)} names for {count} sockets",
            hint="it is systemd that sets it",
        )
    return [(_FIRST + place, name) for place, name in enumerate(names)]


def inherited_sockets(environment: MutableMapping[str, str], config: Config) -> Inherited:
    """Take over the sockets that were passed to this process, by door.

    The variables are removed and the sockets closed to children: both are for this process only.

    Args:
        environment: this process's own.
        config: the configuration, which may forbid what was passed.

    Raises:
        ListenError: something was passed that no door may listen on.

    """
    told = {name: environment.pop(name) for name in _VARIABLES if name in environment}
    found: dict[str, tuple[socket.socket, ...]] = {}
    try:
        for descriptor, name in passed_on(told, os.getpid()):
            opened = _socket(descriptor, name)
            found[name] = (*found.get(name, ()), opened)
            _check(opened, name, config)
    except ListenError:
        for each in (each for sockets in found.values() for each in sockets):
            each.close()
        raise
    return found


def with_inherited(config: Config, inherited: Inherited) -> Config:
    """Say in the configuration where the doors with inherited sockets really listen."""
    found = {door: tuple(map(address_of, sockets)) for door, sockets in inherited.items()}
    return config.with_doors(config.doors.with_addresses(found))


def _socket(descriptor: int, name: str) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        return socket.socket(fileno=descriptor)
    except OSError as exc:
        raise ListenError(
            f"what systemd passed as {name} is no socket: {os.strerror(exc.errno or 0)}",
            hint="pass what a .socket unit opens with ListenStream",
        ) from exc


def _check(opened: socket.socket, name: str, config: Config) -> None:
    told = f"the socket {name} on {_shown(opened)}"
    if name not in DOOR_NAMES:
        raise ListenError(f"{told} is named after no door", hint=_NAME_HINT)
    if opened.family not in (socket.AF_INET, socket.AF_INET6) or not _listens(opened):
        raise ListenError(
            f"{told} is not a listening TCP socket",
            hint="in the .socket unit write ListenStream=ADDRESS:PORT, with Accept=no",
        )
    if not config.doors.by_door()[name]:
        raise ListenError(
            f"{told} is for a door that is off",
            hint=f"remove the .socket unit, or set doors.{name} to an address",
        )
    problem = address_problem(name, address_of(opened), config.doors, config.admin)
    if problem is not None:
        what = problem.what.removeprefix(f"{address_of(opened)} ")
        raise ListenError(f"{told} {what}", hint=problem.hint)


def _listens(opened: socket.socket) -> bool:
    is_tcp = (opened.type, opened.proto) == (socket.SOCK_STREAM, socket.IPPROTO_TCP)
    return is_tcp and bool(opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _shown(opened: socket.socket) -> str:
    if opened.family in (socket.AF_INET, socket.AF_INET6):
        host_and_port: Address = address_of(opened)
        return str(host_and_port)
    name = opened.getsockname()
    return name if isinstance(name, str) and name else f"family {int(opened.family)}"
