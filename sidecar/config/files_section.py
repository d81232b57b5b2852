"""The options of `[[files]]`: secrets written to files."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.config.option import locator, one_of, option, path, text, whole_number

_OCTAL: Final = re.compile(r"0?[0-7]{3}")
_WRITE_BY_OTHERS: Final = 0o002
# The last number means "no such user" in chown(2).
_NUMBER: Final = range(2**32 - 1)
_SIGNALS: Final = ("HUP", "USR1", "USR2", "INT", "TERM", "QUIT", "CONT", "WINCH")

# The section has a key of the same name.
_path = path


class FileMode(int):
    """Permission bits; shown as they are written, in octal."""

    def __str__(self) -> str:
        return f"{int(self):04o}"


def _mode(value: object) -> FileMode:
    if not isinstance(value, str) or not _OCTAL.fullmatch(value):
        raise ValueError('must be three octal digits in quotes, such as "0600"')
    mode = FileMode(value, 8)
    if mode & _WRITE_BY_OTHERS:
        raise ValueError("lets everybody write")
    return mode


def _account(value: object) -> str:
    """Read the name or the number of a user or group."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    name = text(value)
    if name.lstrip("-").isdecimal() and (name.startswith("-") or int(name) not in _NUMBER):
        raise ValueError("must be a name or a number from 0 to 4294967294")
    return name


def _id(value: object) -> str:
    name = text(value)
    if "://" in name or "#" in name:
        raise ValueError(
            "must be a name or an ARN alone: JSON key and stage have keys of their own"
        )
    return name


def _signal(value: object) -> str:
    name = value.removeprefix("SIG") if isinstance(value, str) else value
    return one_of(*_SIGNALS)(name)


def _command(value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) and not set(value) & set(" \t\n") else value
    if not isinstance(words, list) or not words:
        raise ValueError("must be a list of the program and its arguments; no shell reads it")
    if not all(isinstance(each, str) and "\0" not in each for each in words):
        raise ValueError("must be a list of texts without NUL")
    return (locator(words[0]), *words[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSection:
    """A file that is kept equal to a secret, a parameter, or a text that holds some of them."""

    path: Path = option(
        _path, "Where it is written; the directory must exist.", example="/run/secrets/database"
    )
    secret: str | None = option(
        _id,
        "Name or ARN of the secret whose value is the content; exactly one of this, `parameter`, "
        "`template` and `template_file`.",
        default=None,
        example="prod/web/database",
    )
    parameter: str | None = option(
        _id,
        "Name or ARN of the parameter whose value is the content, decrypted.",
        default=None,
        example="/prod/web/database",
    )
    json_key: str | None = option(
        text,
        "Only this of the value, which is JSON: a key, or a path with dots.",
        default=None,
        example="password",
    )
    stage: str | None = option(
        text,
        "Staging label of the secret's version. Default: `AWSCURRENT`.",
        default=None,
        example="AWSCURRENT",
    )
    template: str | None = option(
        text,
        "The content as a text with `${secret://…}` and `${parameter://…}` in it.",
        default=None,
        example="password=${secret://prod/web/database#password|shell}",
        may_be_shown=False,
    )
    template_file: Path | None = option(
        _path, "File with such a text, read at start.", default=None, example="web.conf.template"
    )
    mode: FileMode = option(
        _mode,
        "Its permissions, in octal.",
        default=FileMode(0o600),
        example="0640",
    )
    owner: str | None = option(
        _account,
        "Its owner, by name or number; needs root or CAP_CHOWN. Default: who runs the sidecar.",
        default=None,
        example="www-data",
    )
    group: str | None = option(
        _account,
        "Its group, by name or number. Default: that of who runs the sidecar.",
        default=None,
        example="www-data",
    )
    signal: str | None = option(
        _signal,
        "Signal to send after the content has changed, to the process in `pid_file`: "
        f"{', '.join(_SIGNALS)}.",
        default=None,
        example="HUP",
    )
    pid_file: Path | None = option(
        _path, "File with that process's number.", default=None, example="/run/nginx.pid"
    )
    command: tuple[str, ...] = option(
        _command,
        "Program to run after the content has changed, with its arguments; no shell.",
        default=(),
        example="/usr/local/bin/reload-web",
    )
    command_timeout_seconds: int = option(
        whole_number(1, 3600), "When it is ended.", default=30, example="30"
    )
    debounce_seconds: int = option(
        whole_number(0, 3600),
        "How long further changes are waited for before signal or command; they count as one.",
        default=1,
        example="1",
    )
    via: str | None = option(
        text,
        "Role whose credentials read the values. Default: that of `[secrets]`.",
        default=None,
        example="default",
    )
