"""Have a running sidecar read again who is let in, and its certificate, key and token files.

Of the configuration [apps], [tokens] and [issuers] are taken over; what changed elsewhere waits for
a restart, and is named. What is wrong is told, all of it, and nothing has changed then.
"""

import argparse
import os
from typing import Final

from sidecar.cli.control_client import ask
from sidecar.cli.control_option import add_control_arguments, chosen_socket
from sidecar.cli.one_line import one_line

EXAMPLE: Final = "sidecar reload"

_SHOWN: Final = {"waiting": "waiting for a restart"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_control_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what came of it."""
    told = ask(chosen_socket(arguments, os.environ), "POST", "/reload")
    for what, said in told.items():
        text = ", ".join(map(str, said)) if isinstance(said, list) else str(said)
        print(one_line(f"{_SHOWN.get(what, what)}: {text}"))
    return 0
