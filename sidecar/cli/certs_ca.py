"""Make a private certificate authority: a self-signed root and its private key."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from sidecar.ca import KeyKind, Subject, certificate_pem, create_root, private_key_pem
from sidecar.cli.certs_files import FilePair, add_content_arguments, checked
from sidecar.clock import SystemClock

EXAMPLE: Final = "sidecar certs ca --directory ca --common-name 'Example workloads'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--directory",
        type=Path,
        required=True,
        help="where to write ca.pem and ca.key; made if it is missing",
    )
    parser.add_argument(
        "--common-name",
        default="Credential sidecar CA",
        metavar="NAME",
        help="the authority's name (default: %(default)s)",
    )
    add_content_arguments(parser, days=3650)


def run(arguments: argparse.Namespace) -> int:
    """Write the authority and print where it is; OperatorError when one is there already."""
    files = FilePair.named(arguments.directory, "ca")
    files.refuse_to_overwrite(
        "choose another --directory; what an authority has issued does not outlive its key"
    )
    authority = create_root(
        checked(Subject(arguments.common_name)),
        now=SystemClock().now(),
        validity=timedelta(days=arguments.days),
        kind=KeyKind(arguments.key_type),
    )
    files.write(certificate_pem(authority.certificate), private_key_pem(authority.key))
    files.print_paths()
    print(
        f"next: register {files.certificate} as a trust anchor of IAM Roles Anywhere,\n"
        f"      and keep {files.private_key} away from the machines that run workloads",
        file=sys.stderr,
    )
    return 0
