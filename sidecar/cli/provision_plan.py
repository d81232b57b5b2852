"""Show what `sidecar provision apply` would do, and what --prune would delete; nothing is changed.

It takes the flags of `apply` for this machine as well, so that one may stand for the other.
Asks AWS with the credentials of whoever runs it, as boto3 finds them: variables, a profile, a role.
"""

import argparse
from typing import Final

from sidecar.cli.one_line import one_line
from sidecar.cli.provision_account import add_account_arguments, add_zip_argument, open_stack
from sidecar.cli.provision_flags import add_wish_arguments, wish_of
from sidecar.cli.provision_machine import add_machine_arguments
from sidecar.provision.leftovers import left_over
from sidecar.provision.showing import left_over_lines, plan_lines

EXAMPLE: Final = "sidecar provision plan --ca-bundle ca/ca.pem --name web"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_wish_arguments(parser)
    add_account_arguments(parser)
    add_zip_argument(parser)
    add_machine_arguments(parser)
    parser.add_argument("--all", action="store_true", help="show also what would stay as it is")
    parser.add_argument(
        "--full", action="store_true", help="show long values whole, such as policies"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; a SidecarError says why there is none."""
    stack = open_stack(arguments, wish_of(arguments))
    steps = tuple(stack.look().steps())
    over = left_over(stack.account, stack.wish)
    lines = plan_lines(steps, unchanged=arguments.all, full=arguments.full)
    for line in (*lines, *left_over_lines(over)):
        print(one_line(line))
    return 0
