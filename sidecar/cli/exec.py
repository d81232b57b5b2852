"""Run one program with doors of its own and with secrets in its environment.

Variables whose value is ``secret://name#json_key?stage=…`` or ``parameter://name`` hold the value
itself when the program starts; if one cannot be had, nothing is started. stdin, stdout, signals and
the exit code are the program's own. 126 and 127 mean what they mean in a shell.
"""

import argparse
import contextlib
import functools
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from sidecar.cli.app_option import add_app_argument
from sidecar.cli.config_option import add_config_argument
from sidecar.cli.one_line import one_line
from sidecar.supervision.processes import run_beside_doors
from sidecar.supervision.program import CannotRun, Program

EXAMPLE: Final = "sidecar exec --app web --env-file web.env -- ./server --port 8080"

# Signals that a shell and a supervisor judge a process by, and that leave no core: it could hold
# what the program was given.
_WORTH_DYING_BY: Final = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGTERM})
_SIGNALLED: Final = 128
_STDERR: Final = 2
_USAGE: Final = 2
_LONGEST_SECONDS: Final = 86_400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_config_argument(parser)
    add_app_argument(parser)
    parser.add_argument(
        "--env-file",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="NAME=value lines for the program, as docker reads them; may be repeated",
    )
    parser.add_argument(
        "--pristine",
        action="store_true",
        help="pass on PATH, HOME, TERM, the locale and references, and no other variable",
    )
    _add_change_arguments(parser)
    parser.add_argument(
        "--wait-seconds",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="how long to wait for AWS before the program starts (default: 30)",
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="warning",
        help="the least severe lines that are logged to stderr (default: warning)",
    )
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- CMD …", help="the program to run"
    )


def _add_change_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--on-change",
        choices=("ignore", "restart", "signal"),
        default="ignore",
        help="what to do when a value in the environment has changed (default: ignore)",
    )
    parser.add_argument(
        "--signal",
        type=_signal,
        default=signal.SIGHUP,
        metavar="NAME",
        help="the signal of --on-change signal (default: HUP)",
    )
    parser.add_argument(
        "--grace-seconds",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="how long a restart lets the program stop before it is killed (default: 10)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the program and end as it ends."""
    _open_standard_streams()
    words = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not words:
        _say("there is no program to run", "sidecar exec [OPTIONS] -- CMD …")
        return _USAGE
    try:
        program = Program.find(words, os.environ.get("PATH"))
    except CannotRun as exc:
        _say(exc.message, exc.hint)
        return exc.exit_code
    doors = functools.partial(_open_doors, arguments)
    return _ended_alike(run_beside_doors(program, doors, arguments.grace_seconds, _say))


def _open_standard_streams() -> None:
    """Put /dev/null where one is closed, lest a socket of ours takes its place.

    The program does not inherit it: closed stays closed there.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= _STDERR:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = os.fdopen(_STDERR, "w", closefd=False)


def _open_doors(arguments: argparse.Namespace, orders: socket.socket) -> int:
    # A core would hold keys and secrets. The watching process's limit is the program's too.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # Only the process that needs all this loads it.
    from sidecar.cli.exec_doors import Wishes, open_doors_for_a_program  # noqa: PLC0415

    wishes = Wishes(
        config=arguments.config,
        app=arguments.app,
        env_files=tuple(arguments.env_file),
        pristine=arguments.pristine,
        on_change=arguments.on_change,
        signal=arguments.signal,
        wait_seconds=arguments.wait_seconds,
        log_level=arguments.log_level,
    )
    return open_doors_for_a_program(wishes, orders)


def _ended_alike(code: int) -> int:
    """End as the program did: with its exit code, or by its signal."""
    if code >= 0:
        return code
    number = -code
    if number in _WORTH_DYING_BY:
        sys.stderr.flush()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # Only the first process of a container is still here.
    return _SIGNALLED + number


def _say(message: str, hint: str) -> None:
    lines = (f"sidecar: {message}", f"hint: {hint}")
    # Whoever read stderr may have gone; the program goes on.
    with contextlib.suppress(OSError):
        print(*map(one_line, lines), sep="\n", file=sys.stderr, flush=True)


def _signal(text: str) -> signal.Signals:
    name = text.upper().removeprefix("SIG")
    try:
        return signal.Signals(int(name)) if name.isdecimal() else signal.Signals[f"SIG{name}"]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"no signal: {text!r}") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(
            f"must be seconds, more than 0 and at most {_LONGEST_SECONDS} (got {text!r})"
        )
    return seconds
