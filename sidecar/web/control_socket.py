"""Opening the control socket: only its own user can reach it, and no living one is displaced."""

import contextlib
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from sidecar.config.control_section import MAX_PATH_BYTES, SocketPlace
from sidecar.errors import ListenError
from sidecar.file_lock import locked
from sidecar.web.control_door import HOST
from sidecar.web.ledger import Ledger
from sidecar.web.listener import ConnectionLimits, Door, running_server
from sidecar.web.peer import ROOT

log = logging.getLogger(__name__)

# Few ask, and each once.
LIMITS: Final = ConnectionLimits(max_connections=16, idle_seconds=10.0, drain_seconds=2.0)

_BACKLOG: Final = 16
# The socket is made with mode 0600.
_UMASK: Final = 0o177
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_PATIENCE_SECONDS: Final = 2.0
_ELSEWHERE: Final = 'or set control.socket to another path, or to "off"'


@asynccontextmanager
async def open_control_socket(
    door: Door, place: SocketPlace | None, ledger: Ledger, *, limits: ConnectionLimits = LIMITS
) -> AsyncIterator[Path | None]:
    """Listen at the control socket until the block is left; give where, or None if nowhere.

    A place that nobody asked for may be unusable, which is logged.

    Args:
        door: what answers.
        place: where; None opens nothing.
        ledger: where it is put down who is refused.
        limits: what connections may take up.

    Raises:
        ListenError: the configured path cannot be used.

    """
    with contextlib.ExitStack() as stack:
        opened = _opened(place, stack)
        if opened is None or place is None:
            yield None
            return
        runner = await running_server(door, (HOST,), ledger, limits)
        try:
            # Of the two descriptors one outlives the server: what nobody listens on may be replaced
            # by another sidecar before it is removed, and that one's would be removed then.
            await web.SockSite(runner, opened.dup(), backlog=_BACKLOG).start()
            log.info("control socket: %s", place.path)
            yield place.path
        finally:
            await runner.cleanup()


def _opened(place: SocketPlace | None, stack: contextlib.ExitStack) -> socket.socket | None:
    if place is None:
        return None
    try:
        return stack.enter_context(listening_socket(place))
    except ListenError as exc:
        if place.configured:
            raise
        log.warning("no control socket: %s (hint: %s)", exc.message, exc.hint)
        return None


@contextmanager
def listening_socket(place: SocketPlace) -> Iterator[socket.socket]:
    """Make the socket, listening, with mode 0600; leaving removes it, if it is still this one.

    Raises:
        ListenError: the place cannot be used, or a living process answers there.

    """
    path = place.path
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as opened:
        try:
            _check_length(path)
            _make_directory(place.private_directory)
            _check_directory(path.parent)
            # Two that start at the same moment would each take the other's for a dead one.
            with locked(path.with_name(f"{path.name}.lock"), patience_seconds=_PATIENCE_SECONDS):
                _make_room(path)
                seen = _bind(opened, path)
        except OSError as exc:
            raise ListenError(
                f"cannot open the control socket {path}: {os.strerror(exc.errno or 0)}",
                hint=f"check the directory {path.parent}, {_ELSEWHERE}",
            ) from exc
        opened.setblocking(False)
        try:
            yield opened
        finally:
            _remove(path, seen)


def _check_length(path: Path) -> None:
    size = len(os.fsencode(path))
    if size > MAX_PATH_BYTES:
        raise ListenError(
            f"the path of the control socket has {size} bytes, and may have {MAX_PATH_BYTES}: "
            f"{path}",
            hint="set control.socket to a shorter path",
        )


def _make_directory(directory: Path | None) -> None:
    if directory is not None:
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)


def _check_directory(directory: Path) -> None:
    """Refuse a directory in which somebody else could put another socket in this one's place."""
    status = directory.stat()
    if status.st_uid not in (ROOT, os.geteuid()):
        raise ListenError(
            f"the control socket's directory belongs to uid {status.st_uid}: {directory}",
            hint=f"give it to uid {os.geteuid()}, {_ELSEWHERE}",
        )
    if status.st_mode & _WRITABLE_BY_OTHERS:
        raise ListenError(
            f"others may write to the control socket's directory (mode "
            f"{stat.S_IMODE(status.st_mode):04o}): {directory}",
            hint=f"give it a directory of its own, {_ELSEWHERE}",
        )


def _make_room(path: Path) -> None:
    """Remove a socket on which nobody listens any more; refuse anything else that is there."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise ListenError(
            f"there is something else in the control socket's place: {path}",
            hint=f"remove it, {_ELSEWHERE}",
        )
    if _answers(path):
        raise ListenError(
            f"a living sidecar answers at the control socket {path}",
            hint=f"stop it, {_ELSEWHERE}",
        )
    log.info("control socket: replacing one that a sidecar has left behind: %s", path)
    path.unlink()


def _answers(path: Path) -> bool:
    """Whether somebody listens; one who is too busy to let us in does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            return False
        except BlockingIOError:
            pass
    return True


def _bind(opened: socket.socket, path: Path) -> tuple[int, int]:
    before = os.umask(_UMASK)
    try:
        opened.bind(os.fspath(path))
    finally:
        os.umask(before)
    opened.listen(_BACKLOG)
    return _inode(path)


def _inode(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _remove(path: Path, seen: tuple[int, int]) -> None:
    """Remove the socket, unless it is another one by now."""
    with contextlib.suppress(OSError):
        if _inode(path) == seen:
            path.unlink()
