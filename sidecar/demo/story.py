"""The steps of the demo: what each does, what comes back, and whether that is right."""

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sidecar.clock import SystemClock
from sidecar.demo.process import PROGRAMS, daemon, run_program
from sidecar.demo.stage import BUCKET, SECRET_ID, Places, Stage, set_stage
from sidecar.errors import OperatorError, SidecarError
from sidecar.redaction import MASK

Say = Callable[[str], None]

_READY_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that runs while the programs do."""

    stage: Stage
    emulator_url: str
    credentials_url: str
    secrets_url: str
    aws_api_url: str
    home: Path

    def environment(self) -> dict[str, str]:
        """Give what an application gets: one URI, one token, a region and the emulator.

        HOME is an empty directory, since keys in a real one would win over the sidecar.
        """
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.credentials_url}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self.stage.token_file),
            "AWS_DEFAULT_REGION": self.stage.region,
            "AWS_ENDPOINT_URL": self.emulator_url,
            "HOME": str(self.home),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """How a step ended: what came back, fit to be shown, and whether it is what it should be."""

    holds: bool
    shown: str


Act = Callable[[Scene], Result]
Steps = Sequence[tuple[str, Act]]


@contextmanager
def _scene(root: Path, say: Say) -> Iterator[Scene]:
    home = root / "home"
    home.mkdir()
    environment = {**_inherited(), "HOME": str(home)}
    with ExitStack() as stack:
        emulator = stack.enter_context(
            daemon(["emulator", "--port", "0"], environment, root / "emulator.log")
        )
        emulator_url = emulator.line_with("listening on").rsplit(" ", 1)[-1]
        say(f"• AWS on one local port: {emulator_url}")
        free = "127.0.0.1:0"
        stage = set_stage(Places(root, emulator_url, free, free, free, free), SystemClock().now())
        say("• a CA, a workload certificate (digitalSignature, CA:false), a trust anchor,")
        say(f"  a profile and a role that trusts the anchor: {stage.role_arn}")
        serve = stack.enter_context(
            daemon(["serve", "--config", str(stage.config)], environment, root / "sidecar.log")
        )
        doors = {
            name: serve.line_with(f"({name})").split()[2]
            for name in ("credentials", "secrets", "aws_api", "admin")
        }
        _wait_until_ready(doors["admin"])
        say(f"• sidecar serve: credentials on {doors['credentials']},")
        say(f"  secrets on {doors['secrets']} and {doors['aws_api']}")
        say("")
        urls = (doors["credentials"], doors["secrets"], doors["aws_api"])
        yield Scene(stage, emulator_url, *urls, home)


def _inherited() -> dict[str, str]:
    """Give what the daemons themselves need of our environment: no AWS_ or SIDECAR_ variable."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SIDECAR_", "BOTO_")) and "proxy" not in name.lower()
    }


def _wait_until_ready(admin_url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    state = "no answer"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{admin_url}/readyz", timeout=2):  # noqa: S310 - loopback
                return
        except urllib.error.HTTPError as exc:
            state = exc.read().decode(errors="replace")
            exc.close()
        except OSError as exc:
            state = str(exc)
        time.sleep(_POLL_SECONDS)
    raise OperatorError(f"the sidecar did not get ready in {_READY_SECONDS:.0f} s: {state}")


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
    except (OSError, subprocess.SubprocessError, SidecarError, ValueError) as exc:
        return Result(holds=False, shown=f"{type(exc).__name__}: {exc}")


def _boto3_script(scene: Scene) -> Result:
    program = str(PROGRAMS / "list_buckets.py")
    code, out, err = run_program([program], scene.environment())
    return Result(code == 0 and out == BUCKET, out or err)


def _aws_cli(scene: Scene) -> Result:
    code, out, err = run_program(
        ["-m", "awscli", "s3api", "list-buckets", "--query", "Buckets[].Name", "--output", "text"],
        scene.environment(),
    )
    return Result(code == 0 and out == BUCKET, out or err)


def _secret_twice(scene: Scene) -> Result:
    environment = {
        "SECRETS_URL": scene.secrets_url,
        "SECRET_ID": SECRET_ID,
        "AWS_TOKEN": scene.stage.token.reveal(),
    }
    program = str(PROGRAMS / "read_secret.py")
    runs = [run_program([program], environment) for _ in range(2)]
    value = scene.stage.secret_value.reveal()
    right = all(code == 0 and out.endswith(value) for code, out, _ in runs)
    calls = _calls(scene)["secretsmanager.GetSecretValue"]
    shown = "\n".join((out or err).replace(value, MASK) for _, out, err in runs)
    return Result(right and calls == 1, f"{shown}\nGetSecretValue calls at AWS: {calls}")


def _get_secret_value(scene: Scene) -> Result:
    environment = scene.environment() | {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": scene.aws_api_url,
        "SECRET_ID": SECRET_ID,
    }
    code, out, err = run_program([str(PROGRAMS / "get_secret_value.py")], environment)
    value = scene.stage.secret_value.reveal()
    calls = _calls(scene)["secretsmanager.GetSecretValue"]
    shown = (out or err).replace(value, MASK)
    right = code == 0 and out.endswith(value) and calls == 1
    return Result(right, f"{shown}\nGetSecretValue calls at AWS: still {calls}")


def _caller_identity(scene: Scene) -> Result:
    code, out, err = run_program([str(PROGRAMS / "who_am_i.py")], scene.environment())
    return Result(code == 0 and out.endswith(f"/{scene.stage.session_name}"), out or err)


def _calls(scene: Scene) -> dict[str, Any]:
    url = f"{scene.emulator_url}/_emulator/calls"
    with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - loopback
        return {"secretsmanager.GetSecretValue": 0, **json.load(response)}


def _tell_logs(root: Path, say: Say) -> None:
    """Show the daemons' last words; they hold no secrets."""
    for log in (root / "emulator.log", root / "sidecar.log"):
        if log.exists() and (text := log.read_text().strip()):
            say(f"--- {log.name}")
            say("\n".join(text.splitlines()[-20:]))


STEPS: Final[Steps] = (
    ("an unmodified boto3 script without keys lists the buckets", _boto3_script),
    ("the AWS CLI does the same", _aws_cli),
    ("a secret is read twice and AWS is asked once", _secret_twice),
    ("boto3's own get_secret_value gets it from the same memory", _get_secret_value),
    ("AWS knows the caller by the certificate's serial number", _caller_identity),
)


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
            scene = stack.enter_context(_scene(root, say))
        except SidecarError as exc:
            say(f"✗ {exc.message}")
            _tell_logs(root, say)
            return False
        verdicts = [_step(title, act, scene, say) for title, act in steps]
        if not all(verdicts):
            _tell_logs(root, say)
        held = sum(verdicts)
        say("")
        say(f"{held} of {len(verdicts)} checks held" + ("" if held < len(verdicts) else " ✓"))
        return held == len(verdicts)
