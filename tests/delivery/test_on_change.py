"""Telling a program: real signals to real processes, commands run for real."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.clock import SystemClock
from sidecar.delivery.on_change import RunCommand, SendSignal
from sidecar.errors import OperatorError

if TYPE_CHECKING:
    from tests.conftest import Eventually, ManualClock

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="runs a process of another user")

SLEEPER = ["sleep", "600"]
COUNTER = """
import pathlib, signal, sys
seen = pathlib.Path(sys.argv[1])
signal.signal(signal.SIGHUP, lambda *_: seen.open("a").write("HUP\\n"))
seen.touch()
while True:
    signal.pause()
"""
ANY = {"PATH": os.environ["PATH"]}
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that runs a program for the length of the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(words: list[str], **how: Any) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen(words, **how))
        return started[-1]

    yield run
    for each in started:
        each.kill()
        each.wait()


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    return tmp_path / "pid"


def sent(pid_file: Path) -> None:
    asyncio.run(SendSignal(signal.SIGHUP, pid_file).take(SystemClock()))


@pytest.mark.parametrize("text", ["{}", "{}\n", " {} \n"])
def test_the_process_gets_the_signal(
    text: str, start: Start, pid_file: Path, tmp_path: Path, eventually: "Eventually"
) -> None:
    seen = tmp_path / "seen"
    process = start([sys.executable, "-c", COUNTER, str(seen)])
    pid_file.write_text(text.format(process.pid))
    eventually(seen.exists)
    sent(pid_file)
    eventually(lambda: seen.read_text() == "HUP\n")


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "-0", "007", "1 2", "x", "1.0", "²", "9" * 11, "1\n" * 40]
)
def test_what_is_no_process_number_signals_nobody(text: str, pid_file: Path) -> None:
    pid_file.write_text(text)
    with pytest.raises(OperatorError, match="pid holds no process number"):
        sent(pid_file)


def test_a_missing_pid_file_and_a_process_that_has_ended_are_told(
    start: Start, pid_file: Path
) -> None:
    with pytest.raises(OperatorError) as caught:
        sent(pid_file)
    assert caught.value.message == (
        f"SIGHUP to the process in {pid_file} cannot be sent: {pid_file}: No such file or directory"
    )
    process = start(["true"])
    process.wait()
    pid_file.write_text(str(process.pid))
    with pytest.raises(OperatorError, match=rf"cannot be sent: /proc/{process.pid}: No such file"):
        sent(pid_file)


def test_the_sidecar_never_signals_itself(pid_file: Path) -> None:
    pid_file.write_text(str(os.getpid()))
    with pytest.raises(OperatorError, match="holds this program's own number"):
        sent(pid_file)


@pytest.mark.parametrize("mode", [0o666, 0o602, 0o620, 0o664], ids=oct)
def test_a_pid_file_that_others_may_write_is_not_trusted(
    mode: int, start: Start, pid_file: Path
) -> None:
    process = start(SLEEPER)
    pid_file.write_text(str(process.pid))
    pid_file.chmod(mode)
    with pytest.raises(OperatorError, match="can be written by others"):
        sent(pid_file)
    assert process.poll() is None


@pytest.mark.parametrize(
    ("link", "told"),
    [
        (Path.symlink_to, "Too many levels of symbolic links"),
        (Path.hardlink_to, "has another name too"),
    ],
    ids=["symlink", "hard link"],
)
def test_a_pid_file_that_is_a_link_to_a_trusted_one_signals_nobody(
    link: Callable[[Path, Path], None], told: str, start: Start, pid_file: Path
) -> None:
    process = start(SLEEPER)
    trusted = pid_file.with_name("trusted")
    trusted.write_text(str(process.pid))
    link(pid_file, trusted)
    with pytest.raises(OperatorError, match=told):
        sent(pid_file)
    assert process.poll() is None


@as_root
def test_the_word_of_another_user_signals_that_users_processes_only(
    start: Start, pid_file: Path
) -> None:
    process = start(SLEEPER)
    own = start(SLEEPER, user=4711)
    pid_file.write_text(str(process.pid))
    os.chown(pid_file, 4711, 4711)
    with pytest.raises(OperatorError, match=f"than the process {process.pid}'s user"):
        sent(pid_file)
    assert process.poll() is None
    pid_file.write_text(str(own.pid))
    sent(pid_file)
    assert own.wait() == -signal.SIGHUP


async def run(
    program: str, *words: str, clock: Any = None, environment: dict[str, str] | None = None
) -> None:
    action = RunCommand((sys.executable, "-c", program, *words), environment or ANY, 30)
    await action.take(clock or SystemClock())


async def test_a_command_gets_its_words_as_they_are(tmp_path: Path) -> None:
    words = ["$HOME; `id`", "a  b", "", "*"]
    program = "import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"
    await run(program, str(tmp_path / "words"), *words)
    assert json.loads((tmp_path / "words").read_text()) == words


async def test_a_command_sees_no_variable_that_may_hold_a_secret(tmp_path: Path) -> None:
    told = {"PATH": "/bin", "HOME": "/", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    kept = {
        "SIDECAR_TOKEN": "canary",
        "WEB_TOKEN": "canary",
        "AWS_SESSION_TOKEN": "canary",
        "LD_PRELOAD": "",
    }
    program = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
    await run(program, str(tmp_path / "seen"), environment={**told, **kept})
    assert json.loads((tmp_path / "seen").read_text()) == told


@pytest.fixture
def typed() -> Iterator[None]:
    """Let something wait to be read on this program's own standard input."""
    before = os.dup(0)
    reading, writing = os.pipe()
    os.write(writing, b"canary")
    os.dup2(reading, 0)
    for each in (reading, writing):
        os.close(each)
    yield
    os.dup2(before, 0)
    os.close(before)


@pytest.mark.usefixtures("typed")
async def test_a_command_cannot_be_typed_at_or_heard(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(repr(sys.stdin.read()));"
        "print('canary'); print('canary', file=sys.stderr)"
    )
    await run(program, str(tmp_path / "typed"))
    assert (tmp_path / "typed").read_text() == "''"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import sys; sys.exit('canary')", "failed with exit code 1"),
        ("raise SystemExit(42)", "failed with exit code 42"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "was ended by signal 15"),
    ],
)
async def test_a_command_that_fails_is_told_without_its_words(program: str, why: str) -> None:
    with pytest.raises(OperatorError) as caught:
        await run(program, "canary-argument")
    assert caught.value.message == f"command {sys.executable} {why}"


async def test_a_command_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be started: No such file"):
        await RunCommand((str(tmp_path / "no"),), ANY, 30).take(SystemClock())


WITH_CHILD = """
import os, pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
new = pathlib.Path(sys.argv[1] + ".new")
new.write_text(f"{os.getpid()} {child.pid}")
new.rename(sys.argv[1])
child.wait()
"""


def ended(pid: str) -> bool:
    """Whether a process is gone; one that nobody has waited for yet counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_a_command_that_takes_too_long_is_ended_with_what_it_started(
    tmp_path: Path, clock: "ManualClock", eventually: "Eventually"
) -> None:
    pids = tmp_path / "pids"
    running = asyncio.ensure_future(run(WITH_CHILD, str(pids), clock=clock))
    await asyncio.to_thread(eventually, pids.exists)
    await clock.advance(29)
    assert not running.done()
    await clock.advance(2)
    with pytest.raises(OperatorError, match="took longer than 30 s and was ended"):
        await running
    await asyncio.to_thread(eventually, lambda: all(map(ended, pids.read_text().split())))


async def test_a_command_ends_with_the_sidecar(
    tmp_path: Path, clock: "ManualClock", eventually: "Eventually"
) -> None:
    pids = tmp_path / "pids"
    running = asyncio.ensure_future(run(WITH_CHILD, str(pids), clock=clock))
    await asyncio.to_thread(eventually, pids.exists)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.to_thread(eventually, lambda: all(map(ended, pids.read_text().split())))
