"""The flags for what `sidecar provision apply` writes here; `plan` takes them, writing nothing."""

import argparse
from pathlib import Path


def add_machine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where this machine's files go and which certificate it gets."""
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where apply writes sidecar.toml and the certificate (default: here)",
    )
    parser.add_argument(
        "--issue-from",
        type=Path,
        metavar="DIR",
        help="the authority of `sidecar certs ca`: apply issues this machine's certificate from it,"
        " unless there is one",
    )
    parser.add_argument(
        "--common-name",
        default="sidecar",
        metavar="NAME",
        help="the workload's name in that certificate (default: %(default)s)",
    )
