"""The story of the demo: its steps in order, each done, checked and told."""

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import botocore.exceptions

from sidecar.demo.result import Act, Result
from sidecar.demo.rotation_steps import ROTATION_STEPS
from sidecar.demo.scene import Scene, staged
from sidecar.demo.session_steps import SESSION_STEPS
from sidecar.errors import SidecarError

Say = Callable[[str], None]
Steps = Sequence[tuple[str, Act]]

STEPS: Final[Steps] = (*SESSION_STEPS, *ROTATION_STEPS)
_FAILURES: Final = (
    OSError,
    subprocess.SubprocessError,
    SidecarError,
    ValueError,
    botocore.exceptions.BotoCoreError,
    botocore.exceptions.ClientError,
)


def _step(title: str, act: Act, scene: Scene, say: Say) -> bool:
    result = _result(act, scene)
    say(f"{'✓' if result.holds else '✗'} {title}")
    for line in result.shown.splitlines():
        say(f"    {line}")
    return result.holds


def _result(act: Act, scene: Scene) -> Result:
    """Do a step; one that hangs, cannot be started or gets no answer fails with its reason."""
    try:
        return act(scene)
    except _FAILURES as exc:
        return Result(holds=False, shown=f"{type(exc).__name__}: {exc}")


def _tell_logs(root: Path, say: Say) -> None:
    """Show the daemons' last words; they hold no secrets."""
    for log in (root / "emulator.log", root / "serve.log"):
        if log.exists() and (text := log.read_text().strip()):
            say(f"--- {log.name}")
            say("\n".join(text.splitlines()[-20:]))


def play(say: Say, steps: Steps = STEPS) -> bool:
    """Set the stage and run every step, telling `say` about each.

    Args:
        say: called with each line.
        steps: titles, and what to do under each.

    Returns:
        Whether every check held.

    """
    with tempfile.TemporaryDirectory(prefix="sidecar-demo-") as directory, ExitStack() as stack:
        root = Path(directory)
        try:
            scene = stack.enter_context(staged(root, say))
        except _FAILURES as exc:
            say(f"✗ {exc}")
            _tell_logs(root, say)
            return False
        verdicts = [_step(title, act, scene, say) for title, act in steps]
        if not all(verdicts):
            _tell_logs(root, say)
        held = sum(verdicts)
        say("")
        say(f"{held} of {len(verdicts)} checks held" + ("" if held < len(verdicts) else " ✓"))
        return held == len(verdicts)
