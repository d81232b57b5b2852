"""`sidecar exec` as a process, at the emulator, with everything that it wrote."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Machine:
    """A place to run programs in: a configuration, a home, and the variables of a user there."""

    directory: Path
    config: Path
    stack: ExitStack
    variables: Mapping[str, str] = field(default_factory=dict)

    def start(self, *words: object, python: str = "", **more: Any) -> "subprocess.Popen[bytes]":
        """Start `sidecar exec WORDS`; upper-case names are variables, others are Popen's."""
        variables = {name: value for name, value in more.items() if name.isupper()}
        others = {name: value for name, value in more.items() if not name.isupper()}
        program = ["--", sys.executable, "-c", python] if python else []
        pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | others
        line = ["exec", "--config", str(self.config), *map(str, words), *program]
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-m", "sidecar", *line],
            cwd=self.directory,
            env={**self.variables, **variables},
            **pipes,
        )
        self.stack.callback(self._end, process)
        return process

    def run(
        self, *words: object, python: str = "", typed: bytes = b"", **variables: Any
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run it to its end."""
        process = self.start(*words, python=python, **variables)
        out, err = process.communicate(typed, timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """Leave nothing behind: a program that outlives `sidecar exec` looks for this file."""
        (self.directory / "stop").touch()
        process.kill()
        process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def machine(aws: "Aws", tmp_path: Path) -> Iterator[Machine]:
    """Give a machine whose sidecar is set up at the emulator."""
    ordinary = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
    with ExitStack() as stack:
        yield Machine(tmp_path, aws.stage.config, stack, {**ordinary, "HOME": str(tmp_path)})


@pytest.fixture
def noted(tmp_path: Path, eventually: "Eventually") -> Callable[..., str]:
    """Give a function that waits until a program has noted so many lines, and returns them."""

    def read(lines: int, name: str = "notes") -> str:
        file = tmp_path / name
        eventually(lambda: file.exists() and file.read_text().count("\n") >= lines)
        return file.read_text()

    return read
