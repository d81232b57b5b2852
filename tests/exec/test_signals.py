"""Signals: each reaches the program once, whoever sends it, and nothing else stops the doors."""

import os
import pty
import signal
import subprocess
import sys
import termios
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually
    from tests.exec.conftest import Machine

Noted = Callable[..., str]

SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH")
# Notes that it runs and every signal that it gets, until there is a file named stop.
WITNESS = """
import pathlib, signal, time

def note(text):
    with open("notes", "a") as file:
        print(text, file=file)

assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set(), "it began with signals held back"
for name in SIGNALS:
    signal.signal(signal.Signals[name], lambda number, _: note(signal.Signals(number).name))
note("runs")
while not pathlib.Path("stop").exists():
    time.sleep(0.02)
""".replace("SIGNALS", repr(SIGNALS))


def _stop(machine: "Machine", process: "subprocess.Popen[bytes]") -> int:
    (machine.directory / "stop").touch()
    return process.wait(30)


def test_every_signal_that_is_sent_to_us_reaches_the_program_once(
    machine: "Machine", noted: Noted
) -> None:
    process = machine.start(python=WITNESS)
    assert noted(1) == "runs\n"
    for lines, name in enumerate(SIGNALS, start=2):
        process.send_signal(signal.Signals[name])
        noted(lines)
    assert _stop(machine, process) == 0
    assert noted(1).split() == ["runs", *SIGNALS]


# Makes the terminal on stdin its own, as a login does, and becomes the program.
ON_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.mark.parametrize(("key", "name"), [(b"\x03", "SIGINT"), (b"\x1c", "SIGQUIT")])
def test_a_key_at_the_terminal_reaches_the_program_once(
    machine: "Machine", noted: Noted, key: bytes, name: str
) -> None:
    ours, terminal = pty.openpty()
    line = ["-m", "sidecar", "exec", "--config", str(machine.config), "--"]
    with subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *line, sys.executable, "-c", WITNESS],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=machine.directory,
        env=machine.variables,
    ) as process:
        os.close(terminal)
        noted(1)
        os.write(ours, key)
        noted(2)
        process.send_signal(signal.SIGUSR1)
        noted(3)
        assert _stop(machine, process) == 0
    os.close(ours)
    assert noted(1).split() == ["runs", name, "SIGUSR1"]


def _states(group: int) -> set[str]:
    """Give the states of the processes of a group."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[2]) == group:
            found.add(fields[0])
    return found


def test_a_shell_can_stop_and_continue_the_job(
    machine: "Machine", noted: Noted, eventually: "Eventually"
) -> None:
    process = machine.start(python=WITNESS, process_group=0)
    noted(1)
    os.killpg(process.pid, signal.SIGTSTP)
    eventually(lambda: _states(process.pid) == {"T"})
    os.killpg(process.pid, signal.SIGCONT)
    eventually(lambda: "T" not in _states(process.pid))
    process.send_signal(signal.SIGHUP)
    assert noted(2) == "runs\nSIGHUP\n"
    assert _stop(machine, process) == 0


def test_what_nohup_keeps_away_stays_away(machine: "Machine", noted: Noted) -> None:
    program = (
        "trap 'echo USR1 >> notes; exit 4' USR1; echo runs > notes; while :; do sleep 0.05; done"
    )
    line = ["-m", "sidecar", "exec", "--config", str(machine.config), "--", "sh", "-c", program]
    with subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, *line],
        cwd=machine.directory,
        env=machine.variables,
    ) as process:
        noted(1)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGUSR1)
        assert process.wait(30) == 4


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
def test_a_signal_before_the_start_ends_the_waiting_and_nothing_starts(
    machine: "Machine", aws: "Aws", eventually: "Eventually", name: str
) -> None:
    down = {"service": "rolesanywhere", "status": 503, "code": "ServiceUnavailable"}
    aws.emulator.set_faults(Fault.parse(down))
    process = machine.start("--", "touch", "started")
    eventually(aws.emulator.calls)
    process.send_signal(signal.Signals[name])
    assert process.wait(30) == -signal.Signals[name]
    assert not (machine.directory / "started").exists()


def _children(pid: int) -> set[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return set(map(int, words))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


WAITS = "echo $$ >> notes; while [ ! -e stop ]; do sleep 0.05; done; exit 6"


def test_a_program_goes_on_when_the_doors_break_and_its_exit_code_still_counts(
    machine: "Machine", noted: Noted, eventually: "Eventually"
) -> None:
    process = machine.start("--", "sh", "-c", WAITS)
    program = int(noted(1))
    (doors,) = _children(process.pid) - {program}
    os.kill(doors, signal.SIGKILL)
    eventually(lambda: _children(process.pid) == {program})
    assert _stop(machine, process) == 6
    assert process.stderr is not None
    assert (
        process.stderr.read()
        .decode()
        .startswith("sidecar: the doors are closed, and the program goes on without them\nhint: ")
    )


def test_a_program_goes_on_when_nobody_hears_of_the_doors(
    machine: "Machine", noted: Noted, eventually: "Eventually"
) -> None:
    process = machine.start("--", "sh", "-c", WAITS)
    program = int(noted(1))
    (doors,) = _children(process.pid) - {program}
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    os.kill(doors, signal.SIGKILL)
    eventually(lambda: _children(process.pid) == {program})
    assert _stop(machine, process) == 6


def test_a_terminal_has_its_echo_again_when_the_question_for_a_password_is_broken_off(
    machine: "Machine", aws: "Aws"
) -> None:
    config = _with_encrypted_key(machine)
    ours, terminal = pty.openpty()
    line = ["-m", "sidecar", "exec", "--config", str(config), "--", "true"]
    with subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *line],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=machine.directory,
        env=machine.variables,
    ) as process:
        said = b""
        while b"Password of" not in said:
            said += os.read(ours, 1000)
        assert not _echoes(terminal)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
        assert _echoes(terminal)
    os.close(terminal)
    os.close(ours)


def _with_encrypted_key(machine: "Machine") -> Path:
    """Give a configuration whose key nobody can use without being asked."""
    text = machine.config.read_text()
    key = Path(tomllib.loads(text)["identity"]["private_key"])
    plain = machine.config.parent / key
    private = serialization.load_pem_private_key(plain.read_bytes(), None)
    encrypted = machine.directory / "encrypted.key"
    encrypted.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    encrypted.chmod(0o600)
    config = machine.directory / "encrypted.toml"
    config.write_text(text.replace(f'"{key}"', f'"{encrypted}"'))
    return config


def _echoes(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def test_no_doors_stay_open_when_the_watching_process_is_killed(
    machine: "Machine", noted: Noted, eventually: "Eventually"
) -> None:
    process = machine.start("--", "sh", "-c", WAITS)
    program = int(noted(1))
    (doors,) = _children(process.pid) - {program}
    process.kill()
    eventually(lambda: not _runs(doors))


def _can_make_namespaces() -> bool:
    words = ["unshare", "--pid", "--fork", "true"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(
    not _can_make_namespaces(), reason="needs unshare and the right to make a PID namespace"
)
def test_the_first_process_of_a_container_buries_orphans(
    machine: "Machine", noted: Noted, eventually: "Eventually"
) -> None:
    # Each orphan's parent ends at once. In the end nobody is left but the program and the doors.
    program = (
        "for n in 1 2 3 4 5; do (sh -c 'sleep 0.1' &) ; done; echo runs >> notes; "
        "while [ ! -e stop ]; do sleep 0.05; done; exit 7"
    )
    line = ["-m", "sidecar", "exec", "--config", str(machine.config), "--", "sh", "-c", program]
    with subprocess.Popen(
        ["unshare", "--pid", "--fork", sys.executable, *line],
        cwd=machine.directory,
        env=machine.variables,
    ) as unshare:
        noted(1)
        (first,) = _children(unshare.pid)
        eventually(lambda: len(_children(first)) == 2)
        assert _stop(machine, unshare) == 7
