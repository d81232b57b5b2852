"""Have a running sidecar read again what it is configured by; what is wrong is told, all of it."""

import argparse
import os
from typing import Final

from sidecar.cli.control_client import ask
from sidecar.cli.control_option import add_control_arguments, chosen_socket
from sidecar.cli.one_line import one_line

EXAMPLE: Final = "sidecar reload"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_control_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what came of it."""
    for what, said in ask(chosen_socket(arguments, os.environ), "POST", "/reload").items():
        text = ", ".join(map(str, said)) if isinstance(said, list) else str(said)
        print(one_line(f"{what}: {text}"))
    return 0
