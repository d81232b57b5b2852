"""The program that is run: found as a shell finds it, started as if no sidecar stood above it."""

import errno
import os
import shutil
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sidecar.errors import OperatorError

# POSIX, Shell Command Language, section 2.8.2.
NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126
# Python ignores these from its start, and what is ignored stays so in a new program.
_IGNORED_BY_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)

_NO_INTERPRETER: Final = "a script needs #! and its interpreter in the first line"
_TOO_LARGE: Final = (
    "its variables and arguments are too large together: deliver large secrets as files"
)


class CannotRun(OperatorError):
    """There is no such program, or it cannot be started; `exit_code` is what a shell would give."""

    def __init__(self, message: str, exit_code: int, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Program:
    """A program and its arguments, the first of which is its name as the user gave it."""

    path: str
    words: tuple[str, ...]

    @classmethod
    def find(cls, words: Sequence[str], search_path: str | None) -> Self:
        """Look a program up in `search_path`, unless its name has a slash.

        Not checked: whether the system can run the file.

        Raises:
            CannotRun: there is none, or it may not be executed.

        """
        name = words[0]
        path = shutil.which(name, path=search_path)
        if path is not None:
            return cls(path, tuple(words))
        if "/" in name and Path(name).exists():
            why = "is a directory" if Path(name).is_dir() else "may not be executed"
            raise CannotRun(f"{name} {why}", NOT_EXECUTABLE, hint="check its mode: chmod +x")
        raise CannotRun(
            f"program not found: {name}", NOT_FOUND, hint="check its name, and PATH if it has no /"
        )

    def start(self, environment: Mapping[str, str], mask: Iterable[int]) -> int:
        """Start it, in this process's group and session, with its open files; give its number.

        Args:
            environment: all of its variables, as UTF-8 whatever the locale; other bytes are lone
                surrogates.
            mask: the signals that it begins with blocked.

        Raises:
            CannotRun: the system refuses.

        """
        try:
            return os.posix_spawn(
                self.path,
                self.words,
                {_bytes(name): _bytes(value) for name, value in environment.items()},
                setsigmask=mask,
                setsigdef=_IGNORED_BY_PYTHON,
            )
        except FileNotFoundError as exc:
            raise CannotRun(
                f"{self.words[0]} cannot be started: {exc.strerror}",
                NOT_FOUND,
                hint="it was there before: or its first line names an interpreter that is not",
            ) from exc
        except OSError as exc:
            raise CannotRun(
                f"{self.words[0]} cannot be started: {exc.strerror}",
                NOT_EXECUTABLE,
                hint=_TOO_LARGE if exc.errno == errno.E2BIG else _NO_INTERPRETER,
            ) from exc


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
