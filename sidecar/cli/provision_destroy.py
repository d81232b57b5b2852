"""Delete in AWS what `sidecar provision apply` made, after asking.

Give the flags that it was made with: what only others make is not looked for, and stays. No
authority must be named. Deleted is only what has the stack's tag or belongs to it: everything is
listed, with how many things that are and what stays, before anything is deleted.
Secrets can be restored for 30 days, unless told otherwise, and applying again restores them.
The access keys of the rotated user go with the user: whoever uses them is refused from then on.
"""

import argparse
from dataclasses import replace
from typing import Final

from sidecar.cli.provision_account import add_account_arguments, open_stack
from sidecar.cli.provision_deletion import (
    add_deletion_arguments,
    ask,
    leave_of,
    show,
    tell_deletion,
    things,
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
    show(stack.account, what)
    _tell_what_stays(arguments)
    if not what:
        return 0
    ask(stack.account, what, arguments)
    destroy(stack.account, what, tell_deletion)
    print(f"{things(len(what))} deleted")
    return 0


def _tell_what_stays(arguments: argparse.Namespace) -> None:
    """Name the flags that were not given too: something may have been made with them."""
    given = vars(arguments)
    names = [each for each in _MAKING if not given[each.removeprefix("--").replace("-", "_")]]
    print("what stays: everything that is not listed, and the files of this machine")
    if names:
        print(f"not looked for, and stays: what was made with {', '.join(names)}", flush=True)


def _with_all_events(wish: Wish) -> Wish:
    """Look for everything that events may have had, also where it was switched off since."""
    if wish.events is None:
        return wish
    return replace(wish, events=Events(chat=wish.events.chat))
