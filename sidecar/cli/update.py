"""Keep a profile of the shared credentials file fresh, for programs that read only that file.

The flags are those of ``aws_signing_helper update``. It runs until SIGTERM or SIGINT and ends with
exit code 0; what fails meanwhile is tried again. Every other byte of the file stays as it is, and
readers see the old file or the new one, never a part.
"""

import argparse
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from sidecar.cli.flag_values import add_switch, reader
from sidecar.cli.identity_flags import add_identity_arguments, identity_places
from sidecar.cli.log_setup import set_up_logging
from sidecar.cli.session_flags import add_session_arguments, session_request
from sidecar.clock import SystemClock
from sidecar.credentials import Credentials
from sidecar.credentials_file.edit import check_profile_name
from sidecar.credentials_file.rewrite import default_file, rewrite_profile
from sidecar.errors import OperatorError

EXAMPLE: Final = (
    "sidecar update --profile web --certificate workload.pem --private-key workload.key \\\n"
    "      --trust-anchor-arn ARN --profile-arn ARN --role-arn ARN"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the signing helper's flags and our own."""
    add_identity_arguments(parser)
    add_session_arguments(parser)
    parser.add_argument(
        "--profile",
        type=reader(_profile_name),
        default="default",
        metavar="NAME",
        help="the profile that is written (default: default)",
    )
    add_switch(parser, "--once", help_text="write one session and end")


def run(arguments: argparse.Namespace) -> int:
    """Write once, or until a signal comes."""
    level = "warning" if arguments.once else "info"
    set_up_logging("debug" if arguments.debug else level)
    request = session_request(arguments, os.environ)
    places = identity_places(arguments, os.environ)
    write = partial(_write, default_file(os.environ), arguments.profile)
    clock = SystemClock()
    if arguments.once:
        from sidecar.cli.new_session import new_session  # noqa: PLC0415 - not for --help

        write(new_session(request, places, clock))
    else:
        from sidecar.cli.keep_profile import keep_profile  # noqa: PLC0415 - same

        keep_profile(arguments.profile, request, places, write, clock)
    return 0


def _profile_name(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    try:
        check_profile_name(text)
    except OperatorError as exc:
        raise ValueError(exc.hint) from None
    return text


def _write(file: Path, profile: str, session: Credentials) -> None:
    rewrite_profile(file, profile, _entries(session))


def _entries(session: Credentials) -> Mapping[str, str | None]:
    return {
        "aws_access_key_id": session.access_key_id,
        "aws_secret_access_key": session.secret_access_key.reveal(),
        "aws_session_token": session.session_token.reveal(),
        # The token's old name. botocore looks for it first: a stale one would win.
        "aws_security_token": None,
    }
