"""Signals are held back, and those of this process alone do not outlive the holding."""

import signal
import subprocess
import sys

import pytest

HOLDS = """
import os, signal
from sidecar.supervision.signals import held_signals
with held_signals():
    os.kill(os.getpid(), signal.NAME)
print("lives")
"""


def _held(name: str) -> "subprocess.CompletedProcess[bytes]":
    line = [sys.executable, "-c", HOLDS.replace("NAME", name)]
    return subprocess.run(line, capture_output=True, check=False)


@pytest.mark.parametrize("name", ["SIGIO", "SIGALRM", "SIGCHLD"])
def test_a_signal_of_its_own_that_nobody_took_does_not_end_the_process(name: str) -> None:
    ended = _held(name)
    assert (ended.returncode, ended.stdout) == (0, b"lives\n")


def test_any_other_that_nobody_took_does() -> None:
    assert _held("SIGTERM").returncode == -signal.SIGTERM
