"""Delete in AWS what `sidecar provision apply` made, after asking.

Give the flags that it was made with: what only others make is not looked for, as the last line
says. No authority must be named. Deleted is only what has the stack's tag or belongs to it.
Secrets can be had back for 30 days, unless told otherwise, and applying again takes them back.
The access keys of the rotated user go with the user: whoever uses them is refused from then on.
"""

import argparse
from dataclasses import replace
from typing import Final

from sidecar.cli.provision_account import add_account_arguments, open_stack
from sidecar.cli.provision_deletion import (
    add_deletion_arguments,
    leave_of,
    show_and_ask,
    tell_deletion,
)
from sidecar.cli.provision_flags import add_wish_arguments, wish_of
from sidecar.provision.applying import destroy, doomed
from sidecar.provision.wish import Events, OwnAuthority, Wish

EXAMPLE: Final = "sidecar provision destroy --name web --events"

# A trust anchor is found by its name, whatever it trusts.
_ANY: Final = OwnAuthority(bundle="-----BEGIN CERTIFICATE-----")
# With each of them more is made.
_MAKING: Final = ("--private-ca", "--crl", "--rotate-user", "--events", "--slack-channel")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_wish_arguments(parser)
    add_account_arguments(parser)
    add_deletion_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delete it; a SidecarError says where it stopped, and doing it again goes on from there."""
    wish = _with_all_events(wish_of(arguments, _ANY))
    stack = open_stack(arguments, wish).allowing(leave_of(arguments))
    what = doomed(stack.look())
    if not what:
        print("there is nothing to delete")
        _tell_of_others(arguments)
        return 0
    show_and_ask(stack.account, what, arguments)
    destroy(stack.account, what, tell_deletion)
    print(f"{len(what)} deleted")
    _tell_of_others(arguments)
    return 0


def _tell_of_others(arguments: argparse.Namespace) -> None:
    """Name the flags that were not given: something may have been made with them."""
    given = vars(arguments)
    names = [each for each in _MAKING if not given[each.removeprefix("--").replace("-", "_")]]
    if names:
        print(f"what was made with other flags is not looked for: {', '.join(names)}")


def _with_all_events(wish: Wish) -> Wish:
    """Look for everything that events may have had, also where it was switched off since."""
    if wish.events is None:
        return wish
    return replace(wish, events=Events(chat=wish.events.chat))
