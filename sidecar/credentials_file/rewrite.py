"""Writing one profile into the shared credentials file, whatever happens meanwhile.

One lock between all that write, one rename between the old file and the new.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sidecar.atomic_file import TEMPORARY, write_atomically
from sidecar.credentials_file.edit import edited
from sidecar.errors import OperatorError
from sidecar.file_lock import locked
from sidecar.regular_file import read_regular_file

# Far above any credentials file; a wrong path to a huge file must not fill the memory.
_MAX_BYTES: Final = 1_000_000
# Holding the lock takes milliseconds: whoever holds it longer is stopped or hangs.
_PATIENCE_SECONDS: Final = 10.0
_MAX_LINKS: Final = 40
_VARIABLE: Final = "AWS_SHARED_CREDENTIALS_FILE"
_ROOT: Final = 0


def default_file(environment: Mapping[str, str]) -> Path:
    """Say where AWS's SDKs look for the file.

    As botocore does, variables are put in first, those of this process, and the home after them.

    Raises:
        OperatorError: it is under a home that this user does not have.

    """
    named = os.path.expandvars(environment.get(_VARIABLE) or "~/.aws/credentials")
    try:
        return Path(named).expanduser()
    except RuntimeError:
        raise OperatorError(
            f"credentials file {named} cannot be found: there is no such home directory",
            hint=f"name the file in {_VARIABLE}, or set HOME",
        ) from None


def rewrite_profile(path: Path, profile: str, entries: Mapping[str, str | None]) -> None:
    """Set and remove keys of one profile in the file, which is made where it is missing.

    Readers see the old file or the new one, also after a crash. Processes that call this take
    turns; a program that writes the file without this lock (``aws configure``) does not.
    A missing directory is made for its owner only, and so is the file: the mode of one that is
    there loses what others may do and gains nothing, and its owner stays. A symlink is followed,
    and what it leads to is replaced.

    Args:
        path: the credentials file.
        profile: the profile's name.
        entries: value by key; None removes the key.

    Raises:
        OperatorError: see `edited`; or the file cannot be read, locked or written. It is as it was.

    """
    try:
        target = _followed(path)
        _make_directories(target.parent)
        with locked(target.with_name(f".{target.name}.lock"), patience_seconds=_PATIENCE_SECONDS):
            _remove_leftovers(target)
            _rewrite(target, profile, entries)
    except OSError as exc:
        raise OperatorError(
            f"credentials file {path} cannot be written: {exc.strerror}",
            hint=f"check {exc.filename or path}, as uid {os.geteuid()}",
        ) from exc


def _rewrite(target: Path, profile: str, entries: Mapping[str, str | None]) -> None:
    content, mode, owner = b"", stat.S_IRUSR | stat.S_IWUSR, None
    try:
        content, status = read_regular_file(target, _MAX_BYTES + 1, follow=False)
    except FileNotFoundError:
        pass
    else:
        mode &= status.st_mode
        # A file that root renews for a user must stay readable to that user.
        owner = (status.st_uid, status.st_gid) if status.st_uid != os.geteuid() else None
    if len(content) > _MAX_BYTES:
        raise OperatorError(
            f"credentials file {target} is larger than {_MAX_BYTES} bytes",
            hint="is this the right file?",
        )
    changed = edited(content, profile, entries)
    write_atomically(target, changed, mode=mode, owner=owner)


def _remove_leftovers(target: Path) -> None:
    """Remove what killed writers left: it holds credentials, and under the lock nobody is at it."""
    for each in target.parent.iterdir():
        if (left := TEMPORARY.fullmatch(each.name)) and left[1] == target.name:
            each.unlink(missing_ok=True)


def _followed(path: Path) -> Path:
    """Follow the links that the path leads through, if nobody else can have planted them.

    Not checked: what is put in the place of a directory while this runs.
    """
    for _ in range(_MAX_LINKS):
        link = next((each for each in (*reversed(path.parents), path) if each.is_symlink()), None)
        if link is None:
            return path
        if link.lstat().st_uid not in (os.geteuid(), _ROOT):
            raise OperatorError(
                f"{link} is a link that belongs to another user",
                hint=f"name the file itself in {_VARIABLE}",
            )
        path = link.parent / link.readlink() / path.relative_to(link)
    raise OperatorError(f"{path} is a link that leads in a circle", hint="remove it")


def _make_directories(directory: Path) -> None:
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=stat.S_IRWXU, exist_ok=True)
