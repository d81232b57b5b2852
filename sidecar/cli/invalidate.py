"""Have a running sidecar ask AWS again for a secret, a parameter, or everything that it holds.

What is held serves until AWS has answered. At most five calls at once and one a second are taken,
and --all every ten seconds.
"""

import argparse
import os
from typing import Final
from urllib.parse import urlencode

from sidecar.cli.control_client import ask
from sidecar.cli.control_option import add_control_arguments, chosen_socket
from sidecar.cli.one_line import one_line

EXAMPLE: Final = "sidecar invalidate prod/web/database"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("secret_id", nargs="?", metavar="SECRET_ID", help="name or ARN of a secret")
    what.add_argument("--parameter", metavar="NAME", help="name or ARN of a parameter")
    what.add_argument("--all", action="store_true", help="everything that is held")
    add_control_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say how many held values are asked for again."""
    named = {"secretId": arguments.secret_id, "name": arguments.parameter}
    query = {key: said for key, said in named.items() if said is not None} or {"all": "true"}
    target = f"/invalidate?{urlencode(query)}"
    told = ask(chosen_socket(arguments, os.environ), "POST", target)
    print(one_line(f"held values that are read again: {told.get('invalidated')}"))
    return 0
