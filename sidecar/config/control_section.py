"""The option of `[control]`, and the place of the control socket where nothing is configured."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.config.option import locator, option

OFF: Final = "off"
# The kernel's room for a path, less the NUL at its end: unix(7).
MAX_PATH_BYTES: Final = 107

_NAME: Final = "control.sock"
_SYSTEM_DIRECTORY: Final = Path("/run/sidecar")
_USER_DIRECTORY: Final = "credential-sidecar"


def _socket(value: object) -> str:
    said = locator(value)
    size = len(os.fsencode(said))
    if size > MAX_PATH_BYTES:
        raise ValueError(f"has {size} bytes, and the path of a socket at most {MAX_PATH_BYTES}")
    return said


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSection:
    """Where the commands `status`, `reload`, `refresh` and `invalidate` reach the sidecar."""

    socket: str | None = option(
        _socket,
        'Path of the control socket, or `"off"`. Default: `/run/sidecar/control.sock` where that '
        "directory can be written, else `$XDG_RUNTIME_DIR/credential-sidecar/control.sock` where "
        "that variable is set, else off.",
        default=None,
        example="/run/sidecar/control.sock",
    )


@dataclass(frozen=True, slots=True)
class SocketPlace:
    """Where the control socket is.

    Args:
        path: the socket.
        configured: whether somebody asked for this very place; if not, one can go without.
        private_directory: its directory, where that is this program's own to make.

    """

    path: Path
    configured: bool
    private_directory: Path | None = None


def socket_place(
    section: ControlSection, environment: Mapping[str, str], *, system_directory: bool
) -> SocketPlace | None:
    """Say where the control socket is; None: nowhere.

    Args:
        section: what is configured.
        environment: the variables; XDG_RUNTIME_DIR counts if absolute, as in the XDG Base
            Directory Specification.
        system_directory: whether /run/sidecar is there and may be written by this user.

    """
    if section.socket == OFF:
        return None
    if section.socket is not None:
        return SocketPlace(Path(section.socket), configured=True)
    if system_directory:
        return SocketPlace(_SYSTEM_DIRECTORY / _NAME, configured=False)
    runtime = Path(environment.get("XDG_RUNTIME_DIR", ""))
    if not runtime.is_absolute():
        return None
    directory = runtime / _USER_DIRECTORY
    return SocketPlace(directory / _NAME, configured=False, private_directory=directory)


def why_nowhere(section: ControlSection) -> str:
    """Say why there is no control socket, where `control_place` finds no place for one."""
    if section.socket == OFF:
        return "it is off"
    return f"{_SYSTEM_DIRECTORY} cannot be written, and XDG_RUNTIME_DIR names no directory"


def control_place(section: ControlSection, environment: Mapping[str, str]) -> SocketPlace | None:
    """Say where the control socket is on this machine; see `socket_place`."""
    writable = _SYSTEM_DIRECTORY.is_dir() and os.access(_SYSTEM_DIRECTORY, os.W_OK | os.X_OK)
    return socket_place(section, environment, system_directory=writable)
