"""`sidecar demo` as a process: what it says, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.demo.story import STEPS

if TYPE_CHECKING:
    from tests.demo.conftest import Demo


def test_every_check_holds_whatever_the_environment_leads_to(
    demo: "Demo", leading_astray: dict[str, str]
) -> None:
    ended = demo(**leading_astray)
    lines = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr) == (0, "")
    judged = [line for line in lines if line.startswith(("✓", "✗"))]
    assert judged == [f"✓ {title}" for title, _ in STEPS]
    assert lines.count("    demo/database AWSCURRENT ***") == 3
    assert lines[-2] == f"{len(STEPS)} of {len(STEPS)} checks held ✓"


def test_told_to_end_it_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-m", "sidecar", "demo"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        address = demo.stdout.readline().rsplit("://", 1)[-1].strip()
        demo.terminate()
    assert demo.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    host, port = address.split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_without_an_emulator_it_says_why_and_fails(demo: "Demo", tmp_path: Path) -> None:
    (tmp_path / "moto.py").write_text("raise RuntimeError('no moto here')\n")
    ended = demo(PYTHONPATH=str(tmp_path))
    lines = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr) == (1, "")
    assert lines[:2] == ["✗ sidecar emulator ended too early", "--- emulator.log"]
    assert "RuntimeError: no moto here" in ended.stdout
