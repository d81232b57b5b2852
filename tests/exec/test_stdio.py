"""What goes through `sidecar exec` untouched: bytes, open files, words and the way of ending."""

import os
import random
import resource
import signal
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.exec.conftest import Machine


def test_stdin_and_stdout_are_the_program_s_own_byte_for_byte(machine: "Machine") -> None:
    sent = bytes(range(256)) * 4 + random.Random(7).randbytes(300_000)
    ended = machine.run("--", "cat", typed=sent)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, sent, b"")


def test_stderr_is_the_program_s_own(machine: "Machine") -> None:
    ended = machine.run("--log-level", "error", "--", "sh", "-c", "echo out; echo err >&2")
    assert (ended.stdout, ended.stderr) == (b"out\n", b"err\n")


def test_words_after_the_hyphens_are_the_program_s_own(machine: "Machine") -> None:
    show = "import sys; print(sys.argv[1:])"
    words = ["--config", "x", "--", "", "a b", "--help"]
    ended = machine.run("--", sys.executable, "-c", show, *words)
    assert ended.stdout.decode() == f"{words}\n"


def test_without_the_hyphens_the_first_word_is_the_program(machine: "Machine") -> None:
    assert machine.run("echo", "--app", "x").stdout == b"--app x\n"


def test_open_files_are_inherited(machine: "Machine") -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        tell = f"import os; os.write({writer}, b'told')"
        process = machine.start(python=tell, pass_fds=[writer])
        os.close(writer)
        assert file.read() == b"told"
    assert process.wait(30) == 0


@pytest.mark.parametrize("code", [0, 3, 255])
def test_its_exit_code_is_ours(machine: "Machine", code: int) -> None:
    assert machine.run("--", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, -signal.SIGTERM),
        (signal.SIGINT, -signal.SIGINT),
        (signal.SIGHUP, -signal.SIGHUP),
        (signal.SIGKILL, 128 + signal.SIGKILL),
        # A core of ours would hold secrets.
        (signal.SIGSEGV, 128 + signal.SIGSEGV),
        (signal.SIGQUIT, 128 + signal.SIGQUIT),
    ],
)
def test_a_signal_that_ends_it_is_told_as_a_shell_expects(
    machine: "Machine", number: signal.Signals, code: int
) -> None:
    ended = machine.run("--", "sh", "-c", f"ulimit -c 0; kill -{int(number)} $$")
    assert (ended.returncode, ended.stderr) == (code, b"")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--", "no-such-program"], 127, "program not found: no-such-program"),
        (["--", "/"], 126, "/ is a directory"),
        (["--"], 2, "there is no program to run"),
        ([], 2, "there is no program to run"),
        (["--signal", "LOUD", "--", "true"], 2, "argument --signal: no signal: 'LOUD'"),
        (["--grace-seconds", "0", "--", "true"], 2, "argument --grace-seconds: must be seconds,"),
        (["--wait-seconds", "soon", "--", "true"], 2, "argument --wait-seconds: must be seconds,"),
        (["--on-change", "panic", "--", "true"], 2, "argument --on-change: invalid choice:"),
    ],
)
def test_a_program_that_cannot_be_run_is_told_before_anything_is_opened(
    machine: "Machine", words: list[str], code: int, said: str
) -> None:
    ended = machine.run("--config", "nowhere.toml", *words)
    first, hint = ended.stderr.decode().splitlines()
    assert (ended.returncode, ended.stdout) == (code, b"")
    assert first.startswith(f"sidecar: {said}")
    assert hint.startswith("hint: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config", "nowhere.toml"], "nowhere.toml: "),
        (["--app", "nobody"], "--app: there is no app nobody"),
        (
            ["--env-file", "nowhere.env"],
            "--env-file: nowhere.env cannot be read: No such file or directory",
        ),
        (["--on-change", "restart"], "--on-change: cannot go with secrets.ttl_seconds = 0: "),
        (["--on-change", "signal"], "--on-change: cannot go with secrets.ttl_seconds = 0: "),
    ],
)
def test_what_is_wrong_behind_the_doors_is_told_and_nothing_starts(
    machine: "Machine", words: list[str], said: str
) -> None:
    ended = machine.run(*words, "--", "touch", "started", SIDECAR_SECRETS_TTL_SECONDS="0")
    head, problem, *_ = ended.stderr.decode().splitlines()
    assert head == "sidecar: configuration has 1 problem"
    assert problem.startswith(f"  {said}")
    assert ended.returncode == 2
    assert not (machine.directory / "started").exists()


def test_a_script_without_an_interpreter_is_told_as_a_shell_would(machine: "Machine") -> None:
    script = machine.directory / "script"
    script.write_text("echo hello\n")
    script.chmod(0o755)
    ended = machine.run("--", "./script")
    assert (ended.returncode, ended.stdout) == (126, b"")
    assert ended.stderr.decode().splitlines()[0] == (
        "sidecar: ./script cannot be started: Exec format error"
    )


@pytest.mark.parametrize(
    "closed", [(0,), (1,), (2,), (0, 1), (0, 1, 2)], ids=lambda each: "".join(map(str, each))
)
def test_a_standard_stream_that_is_closed_is_closed_for_the_program_too(
    machine: "Machine", closed: tuple[int, ...]
) -> None:
    look = (
        "import os\n"
        "found = [each for each in range(3) if not os.path.exists(f'/proc/self/fd/{each}')]\n"
        "open('found', 'w').write(repr(tuple(found)))\n"
        "os._exit(3)\n"
    )
    process = machine.start(
        python=look, preexec_fn=lambda: os.closerange(closed[0], closed[-1] + 1)
    )
    assert process.wait(30) == 3
    assert (machine.directory / "found").read_text() == repr(closed)


def test_no_complaint_takes_the_place_of_output(machine: "Machine") -> None:
    process = machine.start("--no-such-option", preexec_fn=lambda: os.close(2))
    assert (process.communicate(timeout=30)[0], process.returncode) == (b"", 2)


def test_the_doors_leave_no_core_and_the_program_may(machine: "Machine") -> None:
    look = (
        "import os, resource\n"
        "me, above = os.getpid(), os.getppid()\n"
        "pids = open(f'/proc/{above}/task/{above}/children').read().split()\n"
        "pids = [int(each) for each in pids]\n"
        "(doors,) = {*pids} - {me}\n"
        "print([resource.prlimit(each, resource.RLIMIT_CORE)[0] for each in (doors, me)])\n"
    )
    ended = machine.run(python=look, preexec_fn=_allow_cores)
    assert (ended.stdout, ended.stderr) == (b"[0, 4096]\n", b"")


def _allow_cores() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (4096, resource.getrlimit(resource.RLIMIT_CORE)[1]))
