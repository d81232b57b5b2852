"""Run the whole story on the emulator, step by step, each step checked.

Starts an emulator and a sidecar of its own on free ports, makes certificates in a temporary
directory, and leaves nothing behind. Exit code 0 means that every check held.

With --prepare it only sets the stage at an emulator that is running already, and writes the
certificate, the token and sidecar.toml for it into a directory.
"""

import argparse
import signal
import time
from pathlib import Path
from typing import Final, NoReturn

from sidecar.clock import SystemClock
from sidecar.errors import OperatorError

EXAMPLE: Final = "sidecar demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--prepare", type=Path, metavar="DIR", help="only set the stage, and write its files here"
    )
    parser.add_argument(
        "--endpoint-url",
        default="http://127.0.0.1:4566",
        metavar="URL",
        help="the emulator, with --prepare (default: http://127.0.0.1:4566)",
    )
    parser.add_argument(
        "--credentials-door",
        default="127.0.0.1:9911",
        metavar="ADDRESS",
        help="what to write for doors.credentials, with --prepare (default: 127.0.0.1:9911)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Play the story, or only set its stage."""
    if arguments.prepare is not None:
        return _prepare(arguments)
    from sidecar.demo.story import play  # noqa: PLC0415 - boto3 is not needed for --help

    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _end)
    started = time.monotonic()
    held = play(lambda line: print(line, flush=True))
    print(f"took {time.monotonic() - started:.1f} s")
    return 0 if held else 1


def _end(number: int, _frame: object) -> NoReturn:
    """Leave as at any other end, so that no process and no directory stays behind."""
    raise SystemExit(128 + number)


def _prepare(arguments: argparse.Namespace) -> int:
    from sidecar.demo.stage import Places, set_stage  # noqa: PLC0415 - as above

    directory: Path = arguments.prepare
    if not directory.is_dir():
        raise OperatorError(f"{directory} is not a directory", hint="make it first")
    places = Places(directory.absolute(), arguments.endpoint_url, arguments.credentials_door)
    stage = set_stage(places, SystemClock().now())
    print(stage.config)
    return 0
