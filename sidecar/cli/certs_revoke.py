"""Revoke a certificate that a private certificate authority has issued.

The authority's record says so from then on; AWS knows it only once `certs crl` has made a new list
and the list was imported. Revoking twice changes nothing: the first date and reason stay.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from sidecar.ca import Authority
from sidecar.ca.directory import locked, read_record, write_record
from sidecar.ca.issued import (
    Issued,
    Reason,
    Record,
    Revocation,
    find_by_text,
    with_certificate,
    with_revocation,
)
from sidecar.ca.path import issued_by
from sidecar.cli.certs_authority import add_ca_argument, open_authority
from sidecar.cli.certs_files import read_certificates, read_file
from sidecar.cli.one_line import one_line
from sidecar.clock import SystemClock
from sidecar.errors import OperatorError

EXAMPLE: Final = (
    "sidecar certs revoke --ca ca --certificate certs/workload.pem --reason keyCompromise"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_ca_argument(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="PEM file; the first certificate in it is revoked",
    )
    which.add_argument("--serial", metavar="NUMBER", help="its serial number, in decimal or in hex")
    parser.add_argument(
        "--reason",
        choices=[reason.value for reason in Reason],
        default=Reason.UNSPECIFIED.value,
        help="why, in the words of RFC 5280 (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Note the revocation and print the serial number; OperatorError for a stranger's."""
    revocation = Revocation(SystemClock().now(), Reason(arguments.reason))
    issuer = open_authority(arguments.ca)
    with locked(arguments.ca):
        record, entry = _entry(read_record(arguments.ca), issuer, arguments)
        write_record(arguments.ca, with_revocation(record, entry.serial_number, revocation))
    print(f"revoked\t{entry.serial_number:x}")
    print(_next_step(entry, arguments.ca), file=sys.stderr)
    return 0


def _entry(
    record: Record, issuer: Authority, arguments: argparse.Namespace
) -> tuple[Record, Issued]:
    """Find what is to be revoked, and enter it first when its signature alone says whose it is."""
    if arguments.serial is not None:
        return record, find_by_text(record, arguments.serial)
    path = arguments.certificate
    certificate = read_certificates(path, read_file(path, "certificate"))[0]
    if certificate == issuer.certificate:
        raise OperatorError(
            f"certificate {path} is the authority itself",
            hint="its issuer can revoke it; of a root, delete the trust anchor",
        )
    if not issued_by(certificate, issuer.certificate):
        raise OperatorError(
            f"certificate {path} was not issued by {issuer.name}, the authority in {arguments.ca}",
            hint=f"name the directory of {certificate.issuer.rfc4514_string()} by --ca",
        )
    entered = with_certificate(record, certificate)
    return entered, find_by_text(entered, f"0x{certificate.serial_number:x}")


def _next_step(before: Issued, directory: Path) -> str:
    """Say what is left to do; `before` is how the certificate stood when this command began."""
    done = (
        f"{before.subject} is revoked"
        if before.revocation is None
        else f"{before.subject} was revoked already, at {before.revocation}"
    )
    return f"{one_line(done)}\nnext: sidecar certs crl --ca {directory}"
