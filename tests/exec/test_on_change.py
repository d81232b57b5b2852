"""What follows when a value has changed: nothing, a signal, or a new start; never half of one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually
    from tests.exec.conftest import Machine

Noted = Callable[..., str]

# Notes the value, and HUP when it comes; ends by itself when there is a file named stop.
SERVER = """
import os, pathlib, signal, time

def note(text):
    with open("notes", "a") as file:
        print(text, file=file)

signal.signal(signal.SIGHUP, lambda number, _: note("HUP"))
note(os.environ["WANTED"])
while not pathlib.Path("stop").exists():
    time.sleep(0.02)
"""
# The value is asked for each second.
FAST = {"SIDECAR_SECRETS_TTL_SECONDS": "1"}


def _put(aws: "Aws", name: str, value: str) -> None:
    aws.client("secretsmanager").put_secret_value(SecretId=name, SecretString=value)


@pytest.mark.parametrize(
    ("wish", "after"), [("restart", "new"), ("signal", "HUP")], ids=["restart", "signal"]
)
def test_a_changed_value_is_brought_to_the_program(
    machine: "Machine", aws: "Aws", noted: Noted, wish: str, after: str
) -> None:
    name = aws.new_secret("old")
    words = ("--on-change", wish)
    process = machine.start(*words, python=SERVER, WANTED=f"secret://{name}", **FAST)
    assert noted(1) == "old\n"
    _put(aws, name, "new")
    assert noted(2) == f"old\n{after}\n"
    (machine.directory / "stop").touch()
    assert process.wait(30) == 0


def test_without_a_wish_the_program_is_left_alone(
    machine: "Machine", aws: "Aws", noted: Noted, eventually: "Eventually"
) -> None:
    name, other = aws.new_secret("old"), aws.new_secret("old")
    quiet = machine.start(python=SERVER, WANTED=f"secret://{name}", **FAST)
    noted(1)
    # Another one that is restarted tells that there was time enough.
    told = SERVER.replace('"notes"', '"told"')
    witness = machine.start(
        "--on-change", "restart", python=told, WANTED=f"secret://{other}", **FAST
    )
    noted(1, "told")
    _put(aws, name, "new")
    _put(aws, other, "new")
    noted(2, "told")
    assert noted(1) == "old\n"
    (machine.directory / "stop").touch()
    eventually(lambda: (quiet.poll(), witness.poll()) == (0, 0))


def test_values_that_cannot_all_be_had_leave_the_old_program_running_until_they_can(
    machine: "Machine", aws: "Aws", noted: Noted, eventually: "Eventually"
) -> None:
    name = aws.new_secret('{"wanted": "old"}')
    words = ("--on-change", "restart", "--log-level", "warning")
    log = machine.directory / "log"
    with log.open("wb") as stderr:
        process = machine.start(
            *words, python=SERVER, stderr=stderr, WANTED=f"secret://{name}#wanted", **FAST
        )
        noted(1)
        _put(aws, name, '{"wanting": "new"}')
        eventually(lambda: "the program keeps the values that it has" in log.read_text())
        assert process.poll() is None
        assert noted(1) == "old\n"
        # The patience of `noted` ends before the program's environment would look again by itself.
        _put(aws, name, '{"wanted": "new"}')
        assert noted(2) == "old\nnew\n"
        (machine.directory / "stop").touch()
        assert process.wait(30) == 0


def test_a_program_that_does_not_stop_for_its_restart_is_killed(
    machine: "Machine", aws: "Aws", noted: Noted
) -> None:
    name = aws.new_secret("old")
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SERVER}"
    words = ("--on-change", "restart", "--grace-seconds", "0.2")
    machine.start(*words, python=deaf, WANTED=f"secret://{name}", **FAST)
    noted(1)
    _put(aws, name, "new")
    assert noted(2) == "old\nnew\n"
