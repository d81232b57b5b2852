"""Commands that must fail: run in this process, checked for the form of what they say."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from sidecar.cli import main
from tests.logging_state import logging_as_it_was

if TYPE_CHECKING:
    from tests.conftest import Aws

Words = Callable[..., list[str]]


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give a function that runs a command that must fail cleanly, and returns what it said."""

    def run(*words: object, code: int = 1) -> str:
        try:
            ended = main([str(each) for each in words])
        except SystemExit as exc:  # argparse's way of ending
            ended = int(exc.code or 0)
        printed = capsys.readouterr()
        assert (ended, printed.out) == (code, "")
        assert [line.partition(": ")[0] for line in printed.err.splitlines()] == ["sidecar", "hint"]
        return printed.err

    return run


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to the process's logging."""
    with logging_as_it_was():
        yield


@pytest.fixture
def at_emulator(aws: "Aws") -> dict[str, str]:
    """Give the flags of a session for which the emulator has everything registered."""
    files = aws.stage.config.parent
    config = aws.stage.config.read_text().splitlines()
    arns = dict(line.split(" = ") for line in config if "_arn = " in line)
    return {
        "--certificate": str(files / "workload.pem"),
        "--private-key": str(files / "workload.key"),
        "--endpoint": aws.emulator.url,
        **{f"--{key.replace('_', '-')}": json.loads(arn) for key, arn in arns.items()},
    }


@pytest.fixture
def words(at_emulator: dict[str, str]) -> Words:
    """Give a function that makes a command line of those flags and more."""

    def line(command: str, *more: object, **changed: str) -> list[str]:
        flags = at_emulator | {f"--{k.replace('_', '-')}": v for k, v in changed.items()}
        return [command, *(word for pair in flags.items() for word in pair), *map(str, more)]

    return line


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Give a function that starts a command as a process; its home is the test's directory."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
    started: list[subprocess.Popen[str]] = []

    def run(line: list[str], **variables: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "sidecar", *line],
            env={**inherited, "HOME": str(tmp_path), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for each in started:
        each.kill()
        each.communicate()


@pytest.fixture
def site(aws: "Aws", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Words]:
    """Give a function that makes a command line for a stack of this test's, in its directory."""
    administrator = aws.emulator.administrator
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", administrator.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", administrator.secret_access_key.reveal())
    monkeypatch.setenv("AWS_REGION", aws.emulator.region)
    assert main(["certs", "ca", "--directory", "ca"]) == 0
    name = f"s{uuid4().hex[:10]}"

    def words(command: str, *more: str) -> list[str]:
        place = ["--ca-bundle", "ca/ca.pem", "--name", name, "--endpoint-url", aws.emulator.url]
        return ["provision", command, *place, *more]

    yield words
    aws.emulator.wait_for_rotations()
