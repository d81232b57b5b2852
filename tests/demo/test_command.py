"""`sidecar demo` as a process: what it says, and how it ends."""

from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.demo.story import STEPS

if TYPE_CHECKING:
    from tests.demo.conftest import Demo


def test_every_check_holds(demo: "Demo") -> None:
    ended = demo()
    lines = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr) == (0, "")
    judged = [line for line in lines if line.startswith(("✓", "✗"))]
    assert judged == [f"✓ {title}" for title, _ in STEPS]
    assert lines.count("    demo/database AWSCURRENT ***") == 3
    assert lines[-2] == f"{len(STEPS)} of {len(STEPS)} checks held ✓"


def test_without_an_emulator_it_says_why_and_fails(demo: "Demo", tmp_path: Path) -> None:
    (tmp_path / "moto.py").write_text("raise RuntimeError('no moto here')\n")
    ended = demo(PYTHONPATH=str(tmp_path))
    lines = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr) == (1, "")
    assert lines[:2] == ["✗ sidecar emulator ended too early", "--- emulator.log"]
    assert "RuntimeError: no moto here" in ended.stdout
