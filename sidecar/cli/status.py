"""Say how a running sidecar stands: roles, identity, caches, and what it is waiting for.

The exit code is 0 if the sidecar is ready, 1 if it is not, and 75 if none answers.
"""

import argparse
import json
import os
from typing import Final

from sidecar.cli.control_client import ask
from sidecar.cli.control_option import add_control_arguments, chosen_socket
from sidecar.cli.status_table import status_lines

EXAMPLE: Final = "sidecar status --json"

_NOT_READY: Final = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_control_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the status."""
    document = ask(chosen_socket(arguments, os.environ), "GET", "/status")
    if arguments.json:
        # Nothing in it can move a cursor: json escapes all but printable ASCII.
        print(json.dumps(document, indent=2))
    else:
        print(*status_lines(document), sep="\n")
    return 0 if document.get("ready") is True else _NOT_READY
