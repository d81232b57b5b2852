"""The options of `[[files]]`: secrets written to files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.config.option import locator, one_of, option, path, text, whole_number
from sidecar.config.ownership import FileMode, account, file_mode

_SIGNALS: Final = ("HUP", "USR1", "USR2", "INT", "TERM", "QUIT", "CONT", "WINCH")

# The section has a key of the same name.
_path = path


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
        file_mode,
        "Its permissions, in octal.",
        default=FileMode(0o600),
        example="0640",
    )
    owner: str | None = option(
        account,
        "Its owner, by name or number; needs root or CAP_CHOWN. Default: who runs the sidecar.",
        default=None,
        example="www-data",
    )
    group: str | None = option(
        account,
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
