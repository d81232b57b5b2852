"""The second half of the demo: a legacy program's key is rotated, and a machine is shut out."""

import json
import math
import os
import subprocess
import sys
import time
import urllib.request
from datetime import datetime
from typing import Any, Final

from sidecar.demo.process import PROGRAMS, run_program
from sidecar.demo.result import Act, Result
from sidecar.demo.scene import BATCH_SECRET, Scene

_ROTATED_SECONDS: Final = 60.0
_TOLD_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.02


def _rotated_under_it(scene: Scene) -> Result:
    """Rotate the key of a program that goes on working, and never fails."""
    with subprocess.Popen(  # noqa: S603 - this interpreter and a file of this package
        [sys.executable, str(PROGRAMS / "legacy_batch.py")],
        env=scene.environment("legacy"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as batch:
        try:
            return _while_it_works(scene, batch)
        finally:
            batch.kill()


def _while_it_works(scene: Scene, batch: "subprocess.Popen[str]") -> Result:
    first = _line(batch)
    if " with key " not in first:
        return Result(holds=False, shown=first)
    scene.chat.forget()
    manager = scene.client("secretsmanager")
    rotated = manager.describe_secret(SecretId=BATCH_SECRET)["LastRotatedDate"]
    manager.rotate_secret(SecretId=BATCH_SECRET)
    took = _new_key_served(scene, manager, rotated)
    second = _line(batch)
    said, _ = batch.communicate("\n", timeout=_ROTATED_SECONDS)
    last = said.strip().splitlines()[-1] if said.strip() else "nothing"
    shown = f"{first}\n{second}\n{last}\nthe new key was served {took:.2f} s after its rotation"
    right = batch.returncode == 0 and second != first and last.endswith("none failed")
    return Result(right, shown)


def _line(batch: "subprocess.Popen[str]") -> str:
    return batch.stdout.readline().strip() if batch.stdout is not None else ""


def _new_key_served(scene: Scene, manager: Any, before: datetime) -> float:
    """Wait until the credentials door has another key; give the seconds since it was rotated."""
    old, rotated_at = _served_key(scene), math.inf
    deadline = time.monotonic() + _ROTATED_SECONDS
    while time.monotonic() < deadline:
        served = _served_key(scene)
        now = time.monotonic()
        if rotated_at > now:
            described = manager.describe_secret(SecretId=BATCH_SECRET)
            rotated_at = now if described["LastRotatedDate"] != before else math.inf
        if served != old:
            return max(0.0, now - rotated_at)
        time.sleep(_POLL_SECONDS)
    raise TimeoutError("no new key was served")


def _served_key(scene: Scene) -> str:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{scene.doors['credentials']}/credentials",
        headers={"Authorization": scene.token("legacy").reveal()},
    )
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 - loopback
        return str(json.load(response)["AccessKeyId"])


def _chat_is_told(scene: Scene) -> Result:
    """Wait for what the sidecar has sent to the chat of that rotation."""
    deadline = time.monotonic() + _TOLD_SECONDS
    message: dict[str, Any] | None = None
    while message is None and time.monotonic() < deadline:
        message = scene.chat.next(deadline - time.monotonic())
    if message is None:
        return Result(holds=False, shown="no message came")
    lines = [
        line
        for block in message["blocks"]
        if "text" in block
        for line in block["text"]["text"].splitlines()
    ]
    return Result(BATCH_SECRET in message["text"], "\n".join(f"│ {line}" for line in lines))


def _revoked(scene: Scene) -> Result:
    """Revoke the certificate of this machine: no session is given for it any more."""
    authority, certificate = str(scene.root / "ca"), str(scene.root / "workload.pem")
    revoke = ["certs", "revoke", "--ca", authority, "--certificate", certificate]
    for words in (revoke, ["certs", "crl", "--ca", authority]):
        code, _, err = run_program(["-m", "sidecar", *words], os.environ)
        if code:
            return Result(holds=False, shown=err)
    code, out, err = scene.provision("--force", "--crl", str(scene.root / "ca/crl.pem"))
    if code:
        return Result(holds=False, shown=err)
    told = next(line for line in out.splitlines() if " made, " in line)
    code, _, err = _new_session(scene)
    shown = f"provision apply --crl: {told}\n{err}"
    return Result(code != 0 and "revoked" in err.lower(), shown)


def _new_session(scene: Scene) -> tuple[int, str, str]:
    role = scene.roles_anywhere()
    words = ["credential-process", "--endpoint", scene.emulator_url, "--region", scene.region]
    for name, value in role.items():
        words += [f"--{name.replace('_', '-')}", value]
    for flag, name in (("certificate", "workload.pem"), ("private-key", "workload.key")):
        words += [f"--{flag}", str(scene.root / name)]
    return run_program(["-m", "sidecar", *words], os.environ)


ROTATION_STEPS: Final[tuple[tuple[str, Act], ...]] = (
    ("the key of a legacy program is rotated while it works", _rotated_under_it),
    ("the chat is told of it", _chat_is_told),
    ("a revoked certificate gets no further session", _revoked),
)
