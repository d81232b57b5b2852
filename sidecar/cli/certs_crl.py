"""Sign the list of revoked certificates of a private certificate authority.

The list is crl.pem in the authority's directory. IAM Roles Anywhere looks at lists that were
imported and fetches none by itself: the commands for that are printed.
"""

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from sidecar.ca.crl import MAX_CRL_BYTES, create_crl, number_of, unrecorded
from sidecar.ca.directory import CRL, RECORD, locked, read_crl, read_record, write_crl
from sidecar.cli.certs_authority import add_ca_argument, open_authority, warn
from sidecar.cli.certs_files import days
from sidecar.clock import SystemClock, iso_seconds

EXAMPLE: Final = "sidecar certs crl --ca ca --days 7"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_ca_argument(parser)
    parser.add_argument(
        "--days",
        type=days,
        default=30,
        metavar="N",
        help="days until the next list is due (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the list and print where it is; a SidecarError says why not."""
    now = SystemClock().now()
    issuer = open_authority(arguments.ca)
    path: Path = arguments.ca / CRL
    with locked(arguments.ca):
        record, previous = read_record(arguments.ca), read_crl(arguments.ca, issuer)
        validity = timedelta(days=arguments.days)
        crl = create_crl(issuer, record, previous=previous, now=now, validity=validity)
        size = write_crl(arguments.ca, crl)
    print(f"crl\t{path}")
    if lost := unrecorded(record, previous):
        warn(
            f"{arguments.ca / RECORD} does not know {len(lost)} of the revoked certificates, which"
            " the last list named: they stay listed; restore the record from a backup"
        )
    if size > MAX_CRL_BYTES:
        warn(f"{path} has {size} bytes, and AWS imports {MAX_CRL_BYTES} at the most")
    print(_next_step(crl, path), file=sys.stderr)
    return 0


def _next_step(crl: x509.CertificateRevocationList, path: Path) -> str:
    due = crl.next_update_utc
    return (
        f"{len(crl)} revoked, number {number_of(crl)},"
        f" next list due {iso_seconds(due) if due else 'never'}\n"
        "next: aws rolesanywhere import-crl --name NAME --enabled --trust-anchor-arn ARN"
        f" --crl-data fileb://{path}\n"
        f"      or, once it is there: aws rolesanywhere update-crl --crl-id ID"
        f" --crl-data fileb://{path}"
    )
