"""Where things are made: the flags for it, and the stack that all commands of it work on."""

import argparse
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sidecar.aws.administrator import AdministratorCalls
from sidecar.cli.flag_values import reader
from sidecar.cli.provision_authority import check_bundle
from sidecar.cli.wish_problems import told_by_flag
from sidecar.config.option import base_url
from sidecar.errors import OperatorError
from sidecar.provision.account import Account, Leave, open_account
from sidecar.provision.description import parameter_values, resources
from sidecar.provision.function_zip import function_zip
from sidecar.provision.looking import Look
from sidecar.provision.resource import Resource
from sidecar.provision.wish import Wish

# What Lambda takes by upload.
_LARGEST_ZIP: Final = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stack:
    """A description, and the account that it is about."""

    account: Account
    wish: Wish
    resources: tuple[Resource, ...]

    def look(self) -> Look:
        """Give a fresh look at it."""
        return Look(self.account, self.resources, parameter_values(self.wish))

    def allowing(self, may_delete: Leave) -> "Stack":
        """Give the same stack, of which a destruction may take more."""
        return replace(self, account=replace(self.account, may_delete=may_delete))


def add_account_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags for where."""
    parser.add_argument(
        "--region",
        metavar="REGION",
        help="region to work in (default: AWS_REGION, or that of the profile)",
    )
    parser.add_argument(
        "--endpoint-url",
        type=reader(base_url),
        default=os.environ.get("AWS_ENDPOINT_URL") or None,
        metavar="URL",
        help="address in the place of AWS's, such as the emulator's (default: AWS_ENDPOINT_URL)",
    )


def add_zip_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the flag for the code of functions."""
    parser.add_argument(
        "--function-zip",
        type=Path,
        metavar="FILE",
        help="the rotation function's code, made by `make lambda` (default: this program's own)",
    )


def open_stack(arguments: argparse.Namespace, wish: Wish) -> Stack:
    """Describe it and ask AWS who asks, with the ambient credentials.

    Raises:
        ConfigError: the wish cannot be had.
        OperatorError: there is no region, there are no credentials, or a file cannot be used.
        UpstreamError: AWS does not take the credentials or does not answer.

    """
    check_bundle(arguments)
    with told_by_flag():
        described = resources(wish)
    zipped = _zip(getattr(arguments, "function_zip", None))
    if zipped is None and wish.rotation is not None:
        zipped = function_zip()
    region = arguments.region or os.environ.get("AWS_REGION") or None
    calls = AdministratorCalls(region, arguments.endpoint_url)
    return Stack(open_account(calls, wish.name, calls.region, zipped), wish, described)


def _zip(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_ZIP + 1)
    except OSError as exc:
        raise OperatorError(
            f"function code {path} cannot be read: {exc.strerror}", hint="make it: make lambda"
        ) from exc
    if not content.startswith(b"PK") or len(content) > _LARGEST_ZIP:
        raise OperatorError(
            f"function code {path} is no zip of at most 50 MiB", hint="make it: make lambda"
        )
    return content
