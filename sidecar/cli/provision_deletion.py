"""What is shown, asked and told before and while something is deleted in AWS."""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from sidecar.cli.one_line import one_line
from sidecar.errors import OperatorError, UsageError
from sidecar.provision.account import Account, Leave
from sidecar.provision.applying import Doomed
from sidecar.provision.kinds.kind import Found, Wanted
from sidecar.provision.showing import doomed_line

_AGREED: Final = "yes"
_FLAGS: Final = ("--yes", "--secrets-at-once", "--empty-buckets")


def add_deletion_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags for what may be deleted, and whether anybody is asked."""
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--secrets-at-once",
        action="store_true",
        help="delete secrets for good, without the 30 days in which they can be restored",
    )
    parser.add_argument(
        "--empty-buckets", action="store_true", help="delete the log in the trail's bucket too"
    )


def refuse_unless_pruning(arguments: argparse.Namespace) -> None:
    """Raise UsageError for flags that mean nothing where nothing is deleted."""
    for flag in _FLAGS:
        if not arguments.prune and getattr(arguments, flag.removeprefix("--").replace("-", "_")):
            raise UsageError(f"{flag} needs --prune", hint=f"add --prune, or leave {flag} out")


def leave_of(arguments: argparse.Namespace) -> Leave:
    """Say what may be taken that cannot be had back."""
    return Leave(secrets_at_once=arguments.secrets_at_once, objects=arguments.empty_buckets)


def show(account: Account, what: Sequence[Doomed]) -> None:
    """Say of which stack how many things would be deleted, and list them."""
    print(f"{_place(account)}: {things(len(what))} to delete{', in this order:' if what else ''}")
    for wanted, found, _ in what:
        print(one_line(doomed_line(wanted, found)), flush=True)


def ask(account: Account, what: Sequence[Doomed], arguments: argparse.Namespace) -> None:
    """Ask whether that shall be deleted, unless --yes was given.

    Raises:
        OperatorError: it shall not, or nobody can be asked.

    """
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise OperatorError(
            "nobody can be asked: stdin is no terminal", hint="give --yes to delete all of that"
        )
    question = f"delete {things(len(what))} of {_place(account)}? Type {_AGREED}: "
    print(question, end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip() != _AGREED:
        raise OperatorError("nothing was deleted", hint=f"only {_AGREED} is taken for an answer")


def things(count: int) -> str:
    """Say how many."""
    return "nothing" if not count else f"{count} thing{'s' * (count > 1)}"


def _place(account: Account) -> str:
    return f"stack {account.stack} in account {account.place.account}, {account.place.region}"


def tell_deletion(wanted: Wanted, found: Found) -> None:
    """Say on stderr how far it is, since the list itself was printed already."""
    print(one_line(f"deleting {wanted.type} {found.ref}"), file=sys.stderr, flush=True)
