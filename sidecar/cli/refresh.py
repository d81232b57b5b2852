"""Have a running sidecar renew a role's sessions within seconds, or those of every role.

Where several apps have the role, each has a session of its own. What is served stays until the new
session is there. Calls before a renewal begins count as one, and the pause that AWS's throttling
makes is not cut short.
"""

import argparse
import os
from typing import Final
from urllib.parse import urlencode

from sidecar.cli.control_client import ask
from sidecar.cli.control_option import add_control_arguments, chosen_socket
from sidecar.cli.one_line import one_line

EXAMPLE: Final = "sidecar refresh default"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("role", nargs="?", metavar="ROLE", help="the role (default: every role)")
    add_control_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say how many sessions will be renewed; the status shows whether they were."""
    query = "" if arguments.role is None else "?" + urlencode({"role": arguments.role})
    told = ask(chosen_socket(arguments, os.environ), "POST", f"/refresh{query}")
    print(one_line(f"sessions to be renewed: {told.get('refreshing')}"))
    return 0
