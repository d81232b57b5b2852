"""Sessions that several short-lived processes share: one small file each, in a private directory.

What is in the directory is a session, never a key: whoever can read it can use the session until
it expires, which is why only its owner may enter.
"""

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from sidecar.atomic_file import TEMPORARY, write_atomically
from sidecar.clock import iso_seconds, parse_iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import NotReady, OperatorError
from sidecar.file_lock import locked
from sidecar.redaction import Secret
from sidecar.regular_file import read_regular_file

_MAX_BYTES: Final = 65_536
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
# Longer than the holder takes: three requests of 15 seconds, and pauses of 30 together.
_PATIENCE_SECONDS: Final = 90.0
_ENTRY: Final = re.compile(r"[0-9a-f]{64}\.json")
_LEFTOVER_AGE: Final = timedelta(hours=1)
# What must be there and not be empty, beside the two moments.
_NAMES: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken", "RoleArn", "AccountId")
_MALFORMED: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def session_key(parts: Mapping[str, object]) -> str:
    """Name a session by all that determines it.

    Args:
        parts: plain values that JSON can hold; they cannot be read back from the name.

    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class SessionStore:
    """The sessions in one directory.

    Args:
        directory: as `open` has checked it.

    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Use a directory, which is made for its owner only where it is missing.

        Raises:
            OperatorError: it is no directory of this user's own, or others may enter it.

        """
        try:
            if not os.path.lexists(directory):
                directory.mkdir(mode=stat.S_IRWXU, exist_ok=True)
            status = directory.lstat()
        except OSError as exc:
            raise OperatorError(
                f"cache directory {directory} cannot be used: {exc.strerror}",
                hint="name a directory of your own; the one above it must be there",
            ) from exc
        if not stat.S_ISDIR(status.st_mode):
            raise _refused(directory, "is not a directory (a link to one is refused too)")
        if status.st_uid != os.geteuid():
            raise _refused(directory, f"belongs to uid {status.st_uid}, this is {os.geteuid()}")
        if status.st_mode & _OTHERS:
            mode = stat.S_IMODE(status.st_mode)
            raise _refused(directory, f"has mode {mode:04o}: others may enter it")
        return cls(directory)

    def read(self, key: str) -> Credentials | None:
        """Give the session of that name as it was written; what cannot be read is not there.

        Not checked: whether it is still good.
        """
        try:
            content, status = read_regular_file(self._entry(key), _MAX_BYTES, follow=False)
        except OSError:
            return None
        if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
            return None
        try:
            return _session(json.loads(content))
        except _MALFORMED:
            return None

    @contextlib.contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Let one process at a time ask AWS for a session.

        Raises:
            NotReady: another one has been asking for too long.
            OperatorError: the lock cannot be made.

        """
        # 256 locks for all the sessions that will ever be: a lock file must not be removed. Fewer
        # would make sessions wait for one another that have nothing in common.
        lock = self._directory / f"lock.{key[:2]}"
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(lock, patience_seconds=_PATIENCE_SECONDS))
            except BlockingIOError:
                raise NotReady(
                    f"another process has been asking AWS for {_PATIENCE_SECONDS:.0f} seconds",
                    hint="ask again later",
                ) from None
            except OSError as exc:
                raise OperatorError(
                    f"cache directory {self._directory} cannot be used: {exc.strerror}",
                    hint=f"check {lock}",
                ) from exc
            yield

    def write(self, key: str, session: Credentials, now: datetime) -> None:
        """Keep a session in place of the one of that name, and drop what has expired.

        Raises:
            OSError: it cannot be written.

        """
        write_atomically(self._entry(key), json.dumps(_fields(session)).encode())
        # Without the locks: at worst a session goes that was renewed at this very moment.
        for each in self._directory.iterdir():
            if self._is_spent(each, now):
                each.unlink(missing_ok=True)

    def _is_spent(self, path: Path, now: datetime) -> bool:
        if _ENTRY.fullmatch(path.name):
            session = self.read(path.stem)
            return session is None or session.expired(now)
        left = TEMPORARY.fullmatch(path.name)
        if left and _ENTRY.fullmatch(left[1]):
            with contextlib.suppress(FileNotFoundError):
                return now.timestamp() - path.lstat().st_mtime > _LEFTOVER_AGE.total_seconds()
        return False

    def _entry(self, key: str) -> Path:
        return self._directory / f"{key}.json"


def _refused(directory: Path, why: str) -> OperatorError:
    return OperatorError(
        f"cache directory {directory} {why}",
        hint=f"sessions may lie only where nobody else can read: chmod 700 {directory}, or another",
    )


def _fields(session: Credentials) -> dict[str, str]:
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key.reveal(),
        "SessionToken": session.session_token.reveal(),
        "IssuedAt": iso_seconds(session.issued_at),
        "Expiration": iso_seconds(session.expires_at),
        "RoleArn": session.role_arn,
        "AccountId": session.account_id,
    }


def _session(fields: Mapping[str, str]) -> Credentials:
    if not all(isinstance(fields[name], str) and fields[name] for name in _NAMES):
        raise ValueError("a field is empty or no text")
    return Credentials(
        access_key_id=fields["AccessKeyId"],
        secret_access_key=Secret(fields["SecretAccessKey"]),
        session_token=Secret(fields["SessionToken"]),
        issued_at=parse_iso_seconds(fields["IssuedAt"]),
        expires_at=parse_iso_seconds(fields["Expiration"]),
        role_arn=fields["RoleArn"],
        account_id=fields["AccountId"],
    )
