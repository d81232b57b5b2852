"""Whether certificates would count, seen before anything is made in AWS that would refuse them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidecar.ca.authority import is_authority
from sidecar.ca.directory import load_authority
from sidecar.ca.path import issuers_above
from sidecar.cli.certs_files import read_certificates, read_file
from sidecar.errors import OperatorError


def check_bundle(arguments: argparse.Namespace) -> None:
    """See that --ca-bundle, where it is given, holds authorities and nothing else.

    Raises:
        OperatorError: one of its certificates is no authority's, or it cannot be read.

    """
    if arguments.ca_bundle is None:
        return
    for each in _bundle(arguments.ca_bundle):
        if not is_authority(each):
            subject = each.subject.rfc4514_string()
            raise OperatorError(
                f"--ca-bundle: {arguments.ca_bundle} is no authority's certificate: {subject}",
                hint="give the certificate of whoever issues, such as ca.pem of sidecar certs ca",
            )


def check_issuer(arguments: argparse.Namespace) -> None:
    """See that what --issue-from issues will be taken.

    Raises:
        OperatorError: it cannot issue, or --ca-bundle holds nothing that is above it.

    """
    authority = load_authority(arguments.issue_from)
    bundle = [] if arguments.ca_bundle is None else _bundle(arguments.ca_bundle)
    own = authority.certificate
    above = issuers_above(own, [*bundle, *authority.intermediates])
    if not {_name(each) for each in (own, *above)} & {_name(each) for each in bundle}:
        raise OperatorError(
            f"--issue-from: {arguments.issue_from} is not under an authority of --ca-bundle,"
            " so AWS would refuse what it issues",
            hint=f"give --ca-bundle {arguments.issue_from / 'ca.pem'}, or the authority above it",
        )


def _bundle(path: Path) -> Sequence[x509.Certificate]:
    return read_certificates(path, read_file(path, "--ca-bundle"))


def _name(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Give what stays of an authority when its certificate is renewed."""
    encoded = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.subject.public_bytes(), encoded
