"""What a program is told when its file has changed: a signal, or a command that is run."""

import asyncio
import contextlib
import os
import re
import signal
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sidecar.clock import Clock
from sidecar.errors import OperatorError
from sidecar.regular_file import read_regular_file

_PID: Final = re.compile(rb"\s*([1-9][0-9]{0,9})\s*")
_LONGEST_PID_FILE: Final = 64
_ROOT: Final = 0
# What a program needs to find its way. All else stays here: any variable may hold a secret.
_PASSED_ON: Final = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR")


class Action(Protocol):
    """One way to tell a program."""

    async def take(self, clock: Clock) -> None:
        """Do it once.

        Raises:
            OperatorError: it did not work.

        """
        ...


@dataclass(frozen=True, slots=True)
class SendSignal:
    """A signal to the process whose number stands in a file, which is read each time.

    Not checked: whether the number has passed to another process of the same user meanwhile.
    """

    number: signal.Signals
    pid_file: Path

    async def take(self, clock: Clock) -> None:
        """Send it.

        A process is signalled only on the word of root, of its own user, or of this one's: whoever
        may write the file could otherwise have any process signalled with this program's rights.
        A link is no word of its own: it may lead to the file of somebody who is trusted.

        Raises:
            OperatorError: there is no such process, or the file is not to be trusted.

        """
        del clock
        await asyncio.to_thread(self._send)

    def __str__(self) -> str:
        return f"{self.number.name} to the process in {self.pid_file}"

    def _send(self) -> None:
        try:
            text, status = read_regular_file(self.pid_file, _LONGEST_PID_FILE, follow=False)
            found = _PID.fullmatch(text)
            if found is None:
                raise OperatorError(f"{self.pid_file} holds no process number")
            pid = int(found[1])
            trusted = {_ROOT, os.geteuid(), Path(f"/proc/{pid}").stat().st_uid}
            others_may_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if others_may_write or status.st_uid not in trusted:
                raise OperatorError(
                    f"{self.pid_file} can be written by others than the process {pid}'s user",
                    hint="let it belong to root or to that user, and nobody else write it",
                )
            if status.st_nlink != 1:
                raise OperatorError(
                    f"{self.pid_file} has another name too, under which it may mean something else",
                    hint="remove the hard link",
                )
            if pid == os.getpid():
                raise OperatorError(f"{self.pid_file} holds this program's own number")
            os.kill(pid, self.number)
        except OSError as exc:
            why = f"{exc.filename}: {exc.strerror}" if exc.filename else exc.strerror
            raise OperatorError(f"{self} cannot be sent: {why}") from exc


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A program with its arguments; no shell reads them.

    Nothing of its output is kept: it may be what the file holds. A time limit ends it and what it
    started.

    Args:
        words: the program and its arguments.
        environment: where the few variables that it is given are taken from.
        timeout_seconds: how long it may take.

    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    timeout_seconds: float

    async def take(self, clock: Clock) -> None:
        """Run it to its end.

        Raises:
            OperatorError: it cannot be started, fails, or takes too long.

        """
        try:
            process = await asyncio.create_subprocess_exec(
                *self.words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={k: v for k, v in self.environment.items() if _passed_on(k)},
                start_new_session=True,
            )
        except OSError as exc:
            raise OperatorError(f"{self} cannot be started: {exc.strerror}") from exc
        code = await self._ended(process, clock)
        if code is None:
            raise OperatorError(
                f"{self} took longer than {self.timeout_seconds} s and was ended",
                hint="allow it more by command_timeout_seconds, or let it work in the background",
            )
        if code:
            raise OperatorError(f"{self} {_told(code)}")

    def __str__(self) -> str:
        return f"command {self.words[0]}"

    async def _ended(self, process: asyncio.subprocess.Process, clock: Clock) -> int | None:
        """Give the exit code, or None after the time limit."""
        ended = asyncio.ensure_future(process.wait())
        limit = asyncio.ensure_future(clock.sleep(self.timeout_seconds))
        try:
            await asyncio.wait({ended, limit}, return_when=asyncio.FIRST_COMPLETED)
            return process.returncode
        finally:
            limit.cancel()
            if process.returncode is None:
                # Its session is its own, and so is the group.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await ended


def _passed_on(variable: str) -> bool:
    return variable in _PASSED_ON or variable.startswith("LC_")


def _told(code: int) -> str:
    if code < 0:
        return f"was ended by signal {-code}"
    return f"failed with exit code {code}"
