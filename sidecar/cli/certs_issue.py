"""Issue a workload certificate from a private certificate authority.

With a fresh private key or, with --csr, for the key of a signing request: then no private key is
written, and of the request only the subject, DNS names and URIs are taken over; with --common-name
not even these.
"""

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from sidecar.ca import (
    KeyKind,
    PrivateKey,
    PublicKey,
    Subject,
    Workload,
    certificate_pem,
    certify_workload,
    generate_key,
    private_key_pem,
)
from sidecar.ca.authority import check_may_issue
from sidecar.ca.directory import CRL, RECORD, add_to_record, locked
from sidecar.ca.request import read_request
from sidecar.ca.subject import alternative_names
from sidecar.cli.certificate_facts import CertificateFacts
from sidecar.cli.certs_authority import (
    add_ca_argument,
    add_days_argument,
    add_key_type_argument,
    checked,
    open_authority,
    warn,
)
from sidecar.cli.certs_files import FilePair, read_file, refuse_to_overwrite
from sidecar.cli.one_line import one_line
from sidecar.clock import SystemClock, iso_seconds
from sidecar.errors import OperatorError

EXAMPLE: Final = "sidecar certs issue --ca ca --directory certs --common-name billing"

_DAYS: Final = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_ca_argument(parser)
    parser.add_argument(
        "--directory",
        type=Path,
        required=True,
        metavar="DIR",
        help="where to write the certificate and its key; made if it is missing",
    )
    parser.add_argument(
        "--csr", type=Path, metavar="FILE", help="PEM signing request of whoever holds the key"
    )
    parser.add_argument(
        "--common-name",
        metavar="NAME",
        help="the workload's name: AWS makes the session's source identity of it"
        " (required without --csr)",
    )
    parser.add_argument("--organization", metavar="NAME", help="seen in AWS as x509Subject/O")
    parser.add_argument(
        "--organizational-unit", metavar="NAME", help="seen in AWS as x509Subject/OU"
    )
    parser.add_argument(
        "--dns",
        action="append",
        default=[],
        metavar="NAME",
        help="DNS name, may be repeated; AWS sees the first as x509SAN/DNS",
    )
    parser.add_argument(
        "--uri",
        action="append",
        default=[],
        metavar="URI",
        help="URI, may be repeated; AWS sees the first as x509SAN/URI",
    )
    parser.add_argument(
        "--name",
        type=_file_name,
        default="workload",
        help="the files are NAME.pem and NAME.key (default: %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    add_key_type_argument(parser, default=KeyKind.EC_P256.value)
    add_days_argument(parser, default=str(_DAYS))


def run(arguments: argparse.Namespace) -> int:
    """Write certificate and key and print where they are; a SidecarError says why not."""
    files = issue(arguments)
    key = "…" if arguments.csr else files.private_key
    variables = f"SIDECAR_CERTIFICATE={files.certificate} SIDECAR_PRIVATE_KEY={key}"
    print(f"next: {variables} sidecar serve", file=sys.stderr)
    return 0


def issue(arguments: argparse.Namespace) -> FilePair:
    """Do as the command does, but leave what is next to whoever asks; give the files.

    Raises:
        SidecarError: nothing was issued.

    """
    now = SystemClock().now()
    validity = timedelta(days=arguments.days or _DAYS)
    issuer = open_authority(arguments.ca)
    workload, key = _fresh(arguments) if arguments.csr is None else _requested(arguments)
    check_may_issue(issuer, workload.subject, now=now, until=now + validity)
    certificate = certify_workload(issuer, workload, now=now, validity=validity)
    pem = certificate_pem(certificate, *issuer.intermediates)
    # The pair is written under the lock too: of two that are issued at once, one is whole.
    with locked(arguments.ca):
        files = _target(arguments)
        if key is None:
            _refuse_foreign_key(files.private_key, workload.public_key)
        # Noted before it is handed out: an entry too many does no harm, one too few cannot be
        # revoked by its number.
        add_to_record(arguments.ca, certificate)
        files.write(pem, None if key is None else private_key_pem(key))
    files.print_paths(private_key=key is not None)
    _tell(certificate)
    return files


def _target(arguments: argparse.Namespace) -> FilePair:
    """Say where to write, once it is sure that nothing is lost by it."""
    files = FilePair.named(arguments.directory, arguments.name)
    of_authority = (
        FilePair.named(arguments.ca, "ca"),
        FilePair(arguments.ca / CRL, arguments.ca / RECORD),
    )
    if any(map(files.shares_a_file_with, of_authority)):
        raise OperatorError(
            f"{files.certificate} is a file of the certificate authority itself",
            hint="choose another --name or --directory",
        )
    if not arguments.force:
        written = (files.certificate, files.private_key)[: 1 if arguments.csr else 2]
        refuse_to_overwrite(*written, hint="give --force to replace it, or choose another --name")
    return files


def _refuse_foreign_key(path: Path, requested: PublicKey) -> None:
    """Raise OperatorError where the pair would not match; a key that is locked tells nothing."""
    if not path.exists():
        return
    try:
        held = serialization.load_pem_private_key(read_file(path, "private key"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return
    if held.public_key() != requested:
        raise OperatorError(
            f"private key {path} is not the key that the request is for",
            hint="choose another --name: the pair would not match, and --csr replaces no key",
        )


def _fresh(arguments: argparse.Namespace) -> tuple[Workload, PrivateKey]:
    subject = _given_subject(arguments)
    if subject is None:
        raise OperatorError(
            "the certificate needs a common name", hint="give --common-name, or a request by --csr"
        )
    names = _given_names(arguments)
    key = generate_key(KeyKind(arguments.key_type or KeyKind.EC_P256))
    return Workload(subject, key.public_key(), names), key


def _requested(arguments: argparse.Namespace) -> tuple[Workload, None]:
    if arguments.key_type is not None:
        raise OperatorError(
            "--key-type does not go with --csr", hint="the key is the one that the request is for"
        )
    subject, names = _given_subject(arguments), _given_names(arguments)
    content = read_file(arguments.csr, "request")
    about = f"request {arguments.csr}: "
    request = checked(
        lambda: read_request(content),
        what=about,
        hint="have a new one made: openssl req -new -key KEY -subj /CN=NAME",
    )
    workload = checked(
        lambda: request.workload(subject, names),
        what=about,
        hint="say what the certificate shall hold: --common-name, --dns, --uri",
    )
    granted = {each.value for each in workload.alternative_names or ()}
    names_left_out = [each for each in (*request.dns, *request.uris) if each not in granted]
    for each in (*request.left_out, *(f"alternative name {name}" for name in names_left_out)):
        warn(f"{about}{each} is left out")
    return workload, None


def _given_subject(arguments: argparse.Namespace) -> x509.Name | None:
    """Make the subject of the options alone, so that none of a request's parts stays in it."""
    if arguments.common_name is not None:
        subject = Subject(
            arguments.common_name, arguments.organization, arguments.organizational_unit
        )
        return checked(subject.name, hint="choose a short name for people and policies")
    if arguments.organization is not None or arguments.organizational_unit is not None:
        raise OperatorError(
            "--organization and --organizational-unit need --common-name",
            hint="give the whole subject by options, or all of it by the request",
        )
    return None


def _given_names(arguments: argparse.Namespace) -> x509.SubjectAlternativeName | None:
    return checked(
        lambda: alternative_names(arguments.dns, arguments.uri),
        hint="such as --dns billing.example.com --uri spiffe://example.com/billing",
    )


def _tell(certificate: x509.Certificate) -> None:
    facts = CertificateFacts.of(certificate)
    names = [*(f"DNS name {each}" for each in facts.dns), *(f"URI {each}" for each in facts.uris)]
    print(
        one_line(f"issued to {', '.join([facts.subject, *names])},")
        + f" valid until {iso_seconds(facts.not_after)}",
        file=sys.stderr,
    )


def _file_name(text: str) -> str:
    if Path(text).name != text or text in ("", ".."):
        raise argparse.ArgumentTypeError(f"must be a file name without a path (got {text!r})")
    return text
