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
        help="delete secrets without the days in which they can be had back",
    )
    parser.add_argument(
        "--empty-buckets", action="store_true", help="delete what is in the trail's bucket too"
    )


def refuse_unless_pruning(arguments: argparse.Namespace) -> None:
    """Raise UsageError for flags that mean nothing where nothing is deleted."""
    for flag in _FLAGS:
        if not arguments.prune and getattr(arguments, flag.removeprefix("--").replace("-", "_")):
            raise UsageError(f"{flag} needs --prune", hint=f"add --prune, or leave {flag} out")


def leave_of(arguments: argparse.Namespace) -> Leave:
    """Say what may be taken that cannot be had back."""
    return Leave(secrets_at_once=arguments.secrets_at_once, objects=arguments.empty_buckets)


def show_and_ask(account: Account, what: Sequence[Doomed], arguments: argparse.Namespace) -> None:
    """List what would be deleted, and ask unless --yes was given.

    Raises:
        OperatorError: it shall not be deleted, or nobody can be asked.

    """
    for wanted, found, _ in what:
        print(one_line(doomed_line(wanted, found)), flush=True)
    if not arguments.yes:
        _ask(len(what), account)


def _ask(count: int, account: Account) -> None:
    if not sys.stdin.isatty():
        raise OperatorError(
            "nobody can be asked: stdin is no terminal", hint="give --yes to delete all of that"
        )
    place = f"{account.stack} in account {account.place.account}, {account.place.region}"
    print(f"delete these {count} things of {place}? Type {_AGREED}: ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip() != _AGREED:
        raise OperatorError("nothing was deleted", hint=f"only {_AGREED} is taken for an answer")


def tell_deletion(wanted: Wanted, found: Found) -> None:
    """Say on stderr how far it is, since the list itself was printed already."""
    print(one_line(f"deleting {wanted.type} {found.ref}"), file=sys.stderr, flush=True)
