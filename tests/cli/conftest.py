"""Commands that must fail: run in this process, checked for the form of what they say."""

from collections.abc import Callable

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
