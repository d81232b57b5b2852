"""Commands that must fail: run in this process, checked for the form of what they say."""

import logging
from collections.abc import Callable, Iterator

import pytest

from sidecar.cli import main


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
    root, ours = logging.getLogger(), logging.getLogger("sidecar")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
