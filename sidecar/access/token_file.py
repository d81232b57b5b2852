"""A file with an app's token: written before the app starts, and renewed while it runs."""

import contextlib
import logging
import os
import secrets
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sidecar.access.callers import OwnTokens
from sidecar.access.own_token import MAX_OWN_TOKEN_LENGTH, OwnToken, issue, verify
from sidecar.access.refused import TokenNotAccepted
from sidecar.atomic_file import write_atomically
from sidecar.clock import Clock
from sidecar.errors import OperatorError
from sidecar.file_target import Target, prove, remove_leftovers
from sidecar.regular_file import appearance, read_regular_file

log = logging.getLogger(__name__)

# A file that somebody removed, or that could not be written, is written again within this time.
_LOOK_SECONDS: Final = 2.0
_TELL_AGAIN_SECONDS: Final = 300.0
_ROOT: Final = 0
_READ_BITS: Final = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Whose token is written, and where."""

    app: str
    target: Target


def new_token_id() -> str:
    """Make a ``jti`` that no other token has."""
    return secrets.token_hex(16)


def prepare_place(place: TokenPlace) -> list[str]:
    """See that a token can be written to its place, and by nobody else.

    A directory that is missing is made, with access for those who may read the file. Nothing else
    is touched: another sidecar may be writing there.

    Returns:
        Warnings: who else may read it.

    Raises:
        OperatorError: it cannot be, or others may write into the directory, or replace it.

    """
    directory = place.target.path.parent
    _check_way(directory)
    if not directory.exists():
        _make_directory(directory, place.target)
    found = prove(place.target)
    status = directory.stat()
    writers = [
        who
        for who, bit in (("everybody", stat.S_IWOTH), ("its group", stat.S_IWGRP))
        if status.st_mode & bit
    ]
    if writers:
        raise OperatorError(
            f"{writers[0]} may write into {directory}, and put another token there",
            hint="name a directory of its own, which is made if it is missing",
        )
    if status.st_uid not in (0, os.geteuid(), place.target.uid):
        raise OperatorError(
            f"{directory} belongs to user {status.st_uid}, who may put another token there",
            hint=f"chown {os.geteuid()} {directory}",
        )
    return found


def _check_way(directory: Path) -> None:
    """See that nobody else can put another directory in this one's place, now or later.

    Who can do so chooses where the file is written, and with the rights of this process.

    Raises:
        OperatorError: somebody can.

    """
    for end in (Path(os.path.abspath(directory)), directory.resolve()):  # noqa: PTH100 - keeps links
        for each in (*reversed(end.parents), end):
            with contextlib.suppress(OSError):  # what is missing or closed is told of later
                status = each.lstat()
                is_link = stat.S_ISLNK(status.st_mode)
                if is_link or each != end:
                    _check_step(each, status, is_link=is_link)


def _check_step(step: Path, status: os.stat_result, *, is_link: bool) -> None:
    if status.st_uid not in (_ROOT, os.geteuid()):
        raise OperatorError(
            f"{step} belongs to user {status.st_uid}, who may put another directory there",
            hint="name a directory below such as /run, where only root and the sidecar may write",
        )
    others = stat.S_IWOTH | (0 if status.st_gid == os.getegid() else stat.S_IWGRP)
    # In a sticky directory only the owner of something may move it.
    if not is_link and status.st_mode & others and not status.st_mode & stat.S_ISVTX:
        raise OperatorError(
            f"others may write into {step}, and replace what is below it",
            hint=f"chmod go-w {step}, or name another directory",
        )


def _make_directory(directory: Path, target: Target) -> None:
    # Whoever may read the file may enter and list.
    readers = target.mode & _READ_BITS
    mode = stat.S_IRWXU | readers | readers >> 2
    try:
        directory.mkdir(mode=0o700)
        if target.gid is not None:
            os.chown(directory, -1, target.gid)
        directory.chmod(mode)
    except OSError as exc:
        raise OperatorError(
            f"{directory} cannot be made: {exc.strerror}",
            hint=f"make {directory.parent}, or name another"
            if not directory.parent.exists()
            else "make it, or name another",
        ) from exc


class TokenFiles:
    """Keeps each app's token file holding a token that counts, and is young.

    Args:
        places: whose tokens are written where, and have been found good places.
        own: gives what tokens are signed with, and which count, at this moment.
        clock: the wall clock.

    """

    def __init__(
        self, places: Iterable[TokenPlace], own: Callable[[], OwnTokens], clock: Clock
    ) -> None:
        self._own = own
        self._clock = clock
        self._files: dict[TokenPlace, _TokenFile] = {}
        self.replace(places)

    def replace(self, places: Iterable[TokenPlace]) -> None:
        """Write to these places from now on; what stands at others stays there."""
        self._files = {
            place: self._files.get(place) or _TokenFile(place, self._own, self._clock)
            for place in places
        }

    def bring_up_to_date(self) -> None:
        """Write every file that needs it; what cannot be written is told, and tried again later."""
        for each in self._files.values():
            each.bring_up_to_date()

    def troubles(self) -> dict[str, str]:
        """Say which files could not be written last time, and why."""
        found = ((each.app, each.trouble) for each in self._files.values())
        return {f"token file of app {app}": trouble for app, trouble in found if trouble}

    async def run(self) -> None:
        """Renew for ever; ends only when cancelled."""
        while True:
            self.bring_up_to_date()
            await self._clock.sleep(_LOOK_SECONDS)


class _TokenFile:
    """One file."""

    def __init__(self, place: TokenPlace, own: Callable[[], OwnTokens], clock: Clock) -> None:
        self.app = place.app
        self.trouble: str | None = None
        self._target = place.target
        self._own = own
        self._clock = clock
        self._seen: tuple[int, ...] | None = None
        self._held: OwnToken | None = None
        self._held_under: OwnTokens | None = None
        self._told_at = -_TELL_AGAIN_SECONDS

    def bring_up_to_date(self) -> None:
        if self._held_under is None:  # the first time; what killed writers left holds tokens
            remove_leftovers(self._target)
        own, now = self._own(), self._clock.now()
        try:
            if not self._is_good(own, now):
                self._write(own, now)
            self.trouble = None
        except OSError as exc:
            self._complain(f"{self._target.path} cannot be written: {exc.strerror}")
        except TokenNotAccepted as exc:  # this clock was set back to before not_before
            self._complain(f"{self._target.path} is not renewed: {exc.reason}")

    def _complain(self, trouble: str) -> None:
        self.trouble = trouble
        if self._clock.elapsed() - self._told_at >= _TELL_AGAIN_SECONDS:
            self._told_at = self._clock.elapsed()
            log.error("app %s: token file %s; the old token stays", self.app, trouble)

    def _is_good(self, own: OwnTokens, now: datetime) -> bool:
        """Whether the file is there as it should be, with a token that is young and counts."""
        try:
            status = self._target.path.lstat()
        except OSError:
            return False
        if appearance(status) != self._seen or own is not self._held_under:
            self._held = self._read(own, now)
            self._seen, self._held_under = appearance(status), own
        held = self._held
        # A clock that was set back would make it a token of the future.
        return held is not None and held.issued_at <= now < held.renew_at

    def _read(self, own: OwnTokens, now: datetime) -> OwnToken | None:
        """Read what is there, such as what the process before this one has written."""
        try:
            content, status = read_regular_file(
                self._target.path, MAX_OWN_TOKEN_LENGTH + 1, follow=False
            )
            said = verify(content.decode("ascii"), own.key, own.rules, now)
            right = self._target.looks_right(status) and said.app == self.app
        except (OSError, UnicodeDecodeError, TokenNotAccepted):
            return None
        return said if right else None

    def _write(self, own: OwnTokens, now: datetime) -> None:
        token_id = new_token_id()
        token = issue(self.app, own.key, own.rules, now, token_id)
        said = verify(token.reveal(), own.key, own.rules, now)
        target = self._target
        write_atomically(target.path, token.encoded(), mode=target.mode, owner=target.owner)
        self._held = said
        self._seen, self._held_under = appearance(target.path.lstat()), own
        log.info("app %s: new token %s in %s", self.app, token_id, target.path)
