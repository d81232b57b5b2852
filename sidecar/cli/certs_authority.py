"""What the commands of ``certs`` that use an authority have in common."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sidecar.ca import Authority, KeyKind
from sidecar.ca.directory import PRIVATE_KEY, load_authority
from sidecar.cli.certs_files import days
from sidecar.cli.one_line import one_line
from sidecar.errors import OperatorError
from sidecar.identity.checks import check_key_file

_Value = TypeVar("_Value")


def add_ca_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option that names the authority."""
    parser.add_argument(
        "--ca", type=Path, required=True, metavar="DIR", help="directory with ca.pem and ca.key"
    )


def add_key_type_argument(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Declare the option for the kind of a new key; `default` is said, not set."""
    parser.add_argument(
        "--key-type",
        choices=[kind.value for kind in KeyKind],
        help=f"kind of the new private key (default: {default})",
    )


def add_days_argument(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Declare the option for how long a certificate is valid; `default` is said, not set."""
    parser.add_argument(
        "--days",
        type=days,
        metavar="N",
        help=f"how many days the certificate is valid (default: {default})",
    )


def open_authority(directory: Path) -> Authority:
    """Read an authority; warn on stderr when other users can use its key."""
    authority = load_authority(directory)
    warn_of_key_file(directory / PRIVATE_KEY)
    return authority


def warn_of_key_file(path: Path) -> None:
    """Warn on stderr when other users can use the private key of a file."""
    for finding in check_key_file(path):
        warn(f"{finding.sentence}; {finding.hint}")


def checked(make: Callable[[], _Value], *, what: str = "", hint: str) -> _Value:
    """Return what `make` makes; its ValueError becomes an OperatorError with a hint."""
    try:
        return make()
    except ValueError as exc:
        raise OperatorError(f"{what}{exc}", hint=hint) from exc


def warn(text: str) -> None:
    """Tell people, in one line."""
    print(one_line(f"sidecar: warning: {text}"), file=sys.stderr)
