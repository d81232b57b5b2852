"""Delete in AWS what `sidecar provision apply` made, after asking.

Give the flags that it was made with: what only others make is not looked for, and stays. No
authority must be named. Deleted is only what has the stack's tag or belongs to it: everything is
listed, with how many things that are and what stays, before anything is deleted.
Secrets can be restored for 30 days, unless told otherwise, and applying again restores them.
The access keys of the rotated user go with the user: whoever uses them is refused from then on.
"""

import argparse
import sys
from dataclasses import replace
from typing import Final

from sidecar.cli.one_line import one_line
from sidecar.cli.provision_account import add_account_arguments, open_stack
from sidecar.cli.provision_flags import add_wish_arguments, wish_of
from sidecar.errors import OperatorError
from sidecar.provision.account import Account, Leave
from sidecar.provision.applying import destroy, doomed
from sidecar.provision.kinds.kind import Found, Wanted
from sidecar.provision.showing import doomed_line
from sidecar.provision.wish import Events, OwnAuthority, Wish

EXAMPLE: Final = "sidecar provision destroy --name web --events"

_AGREED: Final = "yes"
# A trust anchor is found by its name, whatever it trusts.
_ANY: Final = OwnAuthority(bundle="-----BEGIN CERTIFICATE-----")
# With each of them more is made.
_MAKING: Final = ("--private-ca", "--crl", "--rotate-user", "--events", "--slack-channel")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_wish_arguments(parser)
    add_account_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--secrets-at-once",
        action="store_true",
        help="delete secrets for good, without the 30 days in which they can be restored",
    )
    parser.add_argument(
        "--empty-buckets", action="store_true", help="delete the log in the trail's bucket too"
    )


def run(arguments: argparse.Namespace) -> int:
    """Delete it; a SidecarError says where it stopped, and doing it again goes on from there."""
    allowed = Leave(secrets_at_once=arguments.secrets_at_once, objects=arguments.empty_buckets)
    stack = open_stack(arguments, _with_all_events(wish_of(arguments, _ANY))).allowing(allowed)
    what = doomed(stack.look())
    place = _place(stack.account)
    print(f"{place}: {_things(len(what))} to delete{', in this order:' if what else ''}")
    for wanted, found, _ in what:
        print(one_line(doomed_line(wanted, found)))
    _tell_what_stays(arguments)
    if not what:
        return 0
    if not arguments.yes:
        _ask(len(what), place)
    destroy(stack.account, what, _tell)
    print(f"{_things(len(what))} deleted")
    return 0


def _place(account: Account) -> str:
    return f"stack {account.stack} in account {account.place.account}, {account.place.region}"


def _things(count: int) -> str:
    return "nothing" if not count else f"{count} thing{'s' * (count > 1)}"


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


def _ask(count: int, place: str) -> None:
    if not sys.stdin.isatty():
        raise OperatorError(
            "nobody can be asked: stdin is no terminal", hint="give --yes to delete all of that"
        )
    question = f"delete {_things(count)} of {place}? Type {_AGREED}: "
    print(question, end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip() != _AGREED:
        raise OperatorError("nothing was deleted", hint=f"only {_AGREED} is taken for an answer")


def _tell(wanted: Wanted, found: Found) -> None:
    """Say on stderr how far it is, since the list itself was printed already."""
    print(one_line(f"deleting {wanted.type} {found.ref}"), file=sys.stderr, flush=True)
