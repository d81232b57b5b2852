"""The place of a file that is written for others: how it looks there, and whether it can be."""

import contextlib
import grp
import os
import pwd
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.atomic_file import TEMPORARY, sync_directory
from sidecar.errors import OperatorError

# chown(2): leave it as it is.
_UNCHANGED: Final = -1


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file is written for others, and what it looks like.

    Args:
        path: the file.
        mode: its permission bits.
        uid: its owner; None for whoever writes it.
        gid: its group; None for that of any new file there: that of whoever writes it, or of a
            directory that hands on its own.

    """

    path: Path
    mode: int
    uid: int | None = None
    gid: int | None = None

    @property
    def owner(self) -> tuple[int, int] | None:
        """Owner and group as chown takes them, or None where neither is asked for."""
        if self.uid is None and self.gid is None:
            return None
        return tuple(_UNCHANGED if each is None else each for each in (self.uid, self.gid))  # type: ignore[return-value]

    def looks_right(self, status: os.stat_result) -> bool:
        """Whether a file has this mode, owner and group.

        Raises:
            OSError: its directory cannot be looked at.

        """
        uid = os.geteuid() if self.uid is None else self.uid
        gid = self._usual_group() if self.gid is None else self.gid
        found = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
        return found == (self.mode, uid, gid)

    def _usual_group(self) -> int:
        directory = self.path.parent.stat()
        return directory.st_gid if directory.st_mode & stat.S_ISGID else os.getegid()


def user_number(name: str) -> int:
    """Look up a user.

    Raises:
        OperatorError: there is none of this name.

    """
    return _number("user", name, lambda: pwd.getpwnam(name).pw_uid)


def group_number(name: str) -> int:
    """Look up a group.

    Raises:
        OperatorError: there is none of this name.

    """
    return _number("group", name, lambda: grp.getgrnam(name).gr_gid)


def _number(kind: str, name: str, look_up: Callable[[], int]) -> int:
    if name.isdecimal():
        return int(name)
    try:
        return look_up()
    except KeyError:
        hint = "check its name; a number works without being known"
        raise OperatorError(f"there is no {kind} {name!r}", hint=hint) from None


def prove(target: Target) -> list[str]:
    """Make and remove an empty file of that mode and owner beside the target.

    Returns:
        Warnings: who else may read it, or put something else in its place.

    Raises:
        OperatorError: it cannot be written so, or what is there is no file.

    """
    path = target.path
    try:
        directory = path.parent.stat()
        with contextlib.suppress(FileNotFoundError):
            if stat.S_IFMT(path.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFLNK):
                raise OperatorError(f"{path} is there and no file", hint="remove it")
        _try_out(target)
    except PermissionError as exc:
        raise OperatorError(
            f"{path} cannot be written with mode {target.mode:04o}{_owned(target)}: {exc.strerror}",
            hint=f"as uid {os.geteuid()}; another owner or group needs root, or CAP_CHOWN and "
            "CAP_FOWNER",
        ) from exc
    except OSError as exc:
        raise OperatorError(
            f"{path} cannot be written: {exc.strerror}", hint=f"check {path.parent}"
        ) from exc
    warnings = []
    if target.mode & stat.S_IROTH:
        warnings.append(f"{path}: mode {target.mode:04o} lets everybody read it")
    if directory.st_mode & stat.S_IWOTH:
        warnings.append(f"{path}: everybody may write into its directory {path.parent}")
    return warnings


def _owned(target: Target) -> str:
    said = [
        f"{kind} {number}"
        for kind, number in (("owner", target.uid), ("group", target.gid))
        if number is not None
    ]
    return f" and {' and '.join(said)}" if said else ""


def _try_out(target: Target) -> None:
    probe = target.path.with_name(f".{target.path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if target.owner is not None:
                os.fchown(descriptor, *target.owner)
            os.fchmod(descriptor, target.mode)
        finally:
            os.close(descriptor)
    finally:
        probe.unlink(missing_ok=True)
    sync_directory(target.path.parent)


def remove_leftovers(target: Target) -> None:
    """Remove the temporary files that killed writers left: they hold secrets.

    Not checked: whether another sidecar is writing the same file at this moment.
    """
    beside: list[Path] = []
    with contextlib.suppress(OSError):
        beside.extend(target.path.parent.iterdir())
    for each in beside:
        if (left := TEMPORARY.fullmatch(each.name)) and left[1] == target.path.name:
            # One that cannot be removed, such as a directory, must not keep the others.
            with contextlib.suppress(OSError):
                each.unlink()
