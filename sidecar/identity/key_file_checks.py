"""Who besides this program may read or replace the files of a private key and its password."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sidecar.identity.finding import Finding, warning


def check_key_file(path: Path) -> list[Finding]:
    """Warn of a private key file that other users may read or replace.

    Not checked: directories further up, and access lists. A file that is not there gives no
    finding.
    """
    try:
        found = path.stat()
        directories = {path.parent: None, path.resolve().parent: None}
        return [
            *_mode(path, found),
            *_owner(path, found),
            *(finding for each in directories for finding in _directory(each)),
        ]
    except OSError:  # removed while it was looked at; reading it tells better
        return []


def check_password_file(path: Path) -> list[Finding]:
    """Warn of a file with a password or PIN that other users may read or replace.

    Not checked: what `check_key_file` does not check. A file that is not there gives no finding.
    """
    try:
        found = path.stat()
        return [*_password_mode(path, found), *_password_owner(path, found)]
    except OSError:
        return []


def _password_mode(path: Path, found: os.stat_result) -> Iterator[Finding]:
    mode = stat.S_IMODE(found.st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield warning(
            "password-file-mode",
            f"password file {path} has mode {mode:04o}: other users may use it",
            f"chmod 600 {path}",
        )


def _password_owner(path: Path, found: os.stat_result) -> Iterator[Finding]:
    if found.st_uid not in {0, os.geteuid()}:
        yield warning(
            "password-file-owner",
            f"password file {path} belongs to uid {found.st_uid}, who may change it at any time",
            f"chown {os.geteuid()} {path}",
        )


def _mode(path: Path, found: os.stat_result) -> Iterator[Finding]:
    mode = stat.S_IMODE(found.st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield warning(
            "key-file-mode",
            f"private key {path} has mode {mode:04o}: other users may use it",
            f"chmod 600 {path}",
        )


def _owner(path: Path, found: os.stat_result) -> Iterator[Finding]:
    if found.st_uid not in {0, os.geteuid()}:
        yield warning(
            "key-file-owner",
            f"private key {path} belongs to uid {found.st_uid}, who may change it at any time",
            f"chown {os.geteuid()} {path}",
        )


def _directory(directory: Path) -> Iterator[Finding]:
    mode = stat.S_IMODE(directory.stat().st_mode)
    # In a directory with the sticky bit only a file's owner can replace it.
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield warning(
            "key-directory-mode",
            f"directory {directory} has mode {mode:04o}: every user may replace the key in it",
            f"chmod o-w {directory}",
        )
