"""Run AWS on one local port, for development and tests; never for production.

Prints its address, then the credentials of an administrator as exports, and runs until SIGTERM or
SIGINT. Nothing is kept: every start begins with empty services. Whoever reaches the port can become
the administrator, so it listens on loopback unless told otherwise.
"""

import argparse
import shlex
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sidecar.atomic_file import write_atomically
from sidecar.cli.log_setup import set_up_logging
from sidecar.errors import OperatorError

if TYPE_CHECKING:
    from sidecar.emulator.server import Emulator

EXAMPLE: Final = "sidecar emulator --port 4566"

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_HIGHEST_PORT: Final = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=4566,
        help="port to listen on; 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--region", default="us-east-1", help="the administrator's region (default: %(default)s)"
    )
    parser.add_argument(
        "--tls", action="store_true", help="speak HTTPS, with a CA made for the run"
    )
    parser.add_argument(
        "--tls-ca-file", type=Path, metavar="PATH", help="write that CA's certificate here"
    )
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="let CreateSession pass, with a note, where AWS is not known to refuse",
    )
    parser.add_argument(
        "--quotas", action="store_true", help="keep Roles Anywhere's quotas: 10 sessions a second"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    if arguments.tls_ca_file is not None and not arguments.tls:
        raise OperatorError("--tls-ca-file needs --tls", hint="add --tls, or leave both out")
    set_up_logging("warning")
    # Blocked before any thread starts, so that none of them takes the signal from sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    with _emulator(arguments) as emulator:
        if arguments.tls_ca_file is not None:
            _write_ca(arguments.tls_ca_file, emulator.ca_pem)
        print("\n".join(_lines(emulator, arguments.tls_ca_file)), flush=True)
        signal.sigwait(_STOPPING)
    return 0


def _emulator(arguments: argparse.Namespace) -> "AbstractContextManager[Emulator]":
    try:
        from sidecar.emulator.roles_anywhere.settings import Settings  # noqa: PLC0415 - as below
        from sidecar.emulator.server import running_emulator  # noqa: PLC0415 - moto is optional
    except ModuleNotFoundError as error:
        raise OperatorError(
            f"the emulator needs a package that is not installed: {error.name}",
            hint="pip install '.[emulator]'",
        ) from error
    return running_emulator(
        host=arguments.host,
        port=arguments.port,
        region=arguments.region,
        tls=arguments.tls,
        settings=Settings().changed({"strict": not arguments.lenient, "quotas": arguments.quotas}),
    )


def _lines(emulator: "Emulator", ca_file: Path | None) -> list[str]:
    # Two names for the region: botocore and version 1 of the AWS CLI read only the second.
    exports = {
        "AWS_ACCESS_KEY_ID": emulator.administrator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": emulator.administrator.secret_access_key.reveal(),
        "AWS_REGION": emulator.region,
        "AWS_DEFAULT_REGION": emulator.region,
        "AWS_ENDPOINT_URL": emulator.url,
    }
    if ca_file is not None:
        exports["AWS_CA_BUNDLE"] = str(ca_file.absolute())
    return [
        f"emulator listening on {emulator.url}",
        *(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
    ]


def _write_ca(path: Path, pem: bytes) -> None:
    try:
        write_atomically(path, pem, mode=0o644)
    except OSError as error:
        raise OperatorError(
            f"cannot write the CA certificate: {path}: {error.strerror}",
            hint="give a path in a directory that exists and may be written to",
        ) from error


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"not a port: {text}")
    return int(text)
