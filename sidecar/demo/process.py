"""Running the demo's programs: each its own process, with an environment of its own."""

import contextlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sidecar.errors import OperatorError

PROGRAMS: Final = Path(__file__).parent / "programs"

_START_SECONDS: Final = 20.0
_PROGRAM_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0


def run_program(words: list[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run a program of ours to its end, in exactly this environment.

    Returns:
        Its exit code, and what it wrote to stdout and stderr, both without blanks at the ends.

    """
    done = subprocess.run(  # noqa: S603 - the interpreter and files of this package
        [sys.executable, *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=_PROGRAM_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


class Daemon:
    """A sidecar command that runs until the demo is over; its stdout says when it is there."""

    def __init__(self, command: str, process: "subprocess.Popen[str]") -> None:
        self._command = command
        self._process = process
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._pump, daemon=True).start()

    def line_with(self, marker: str) -> str:
        """Return the next line of stdout that holds `marker`.

        Raises:
            OperatorError: the command ended, or it did not say so in time.

        """
        deadline = time.monotonic() + _START_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                raise OperatorError(f"sidecar {self._command} ended too early", hint="see above")
            if marker in line:
                return line
        raise OperatorError(f"sidecar {self._command} did not start in {_START_SECONDS:.0f} s")

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        self._process.terminate()
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _pump(self) -> None:
        stdout = self._process.stdout
        for line in stdout if stdout is not None else ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


@contextlib.contextmanager
def daemon(words: list[str], environment: Mapping[str, str], log: Path) -> Iterator[Daemon]:
    """Start ``sidecar WORDS…`` with its stderr going to `log`, and stop it in the end."""
    with (
        log.open("w") as stderr,
        subprocess.Popen(  # noqa: S603 - the interpreter and this package
            [sys.executable, "-m", "sidecar", *words],
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        started = Daemon(words[0], process)
        try:
            yield started
        finally:
            started.stop()
