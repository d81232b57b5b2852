"""Renew a workload certificate: the same subject and names, new dates and a fresh private key.

The key is replaced first and the certificate right after it, each in one step. A running sidecar
that looks between the two sees a pair that does not match, keeps the one that it has and looks
again; if this command dies between the two, run it again. With --keep-key only the certificate is
replaced, and the private key need not even be here.
"""

import argparse
import sys
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from sidecar.ca import (
    Authority,
    KeyKind,
    PrivateKey,
    Workload,
    certificate_pem,
    certify_workload,
    generate_key,
    private_key_pem,
)
from sidecar.ca.authority import BACKDATED, check_may_issue, is_authority
from sidecar.ca.directory import locked, read_record, write_record
from sidecar.ca.issued import Record, find, with_certificate
from sidecar.ca.keys import kind_of
from sidecar.ca.path import issued_by
from sidecar.cli.certs_authority import (
    add_ca_argument,
    add_days_argument,
    add_key_type_argument,
    checked,
    open_authority,
    warn,
    warn_of_key_file,
)
from sidecar.cli.certs_files import FilePair, days, read_certificates, read_file, replace_file
from sidecar.cli.one_line import one_line
from sidecar.clock import SystemClock, iso_seconds
from sidecar.errors import IdentityError, OperatorError

EXAMPLE: Final = (
    "sidecar certs renew --ca ca --certificate certs/workload.pem --if-expires-within 10"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_ca_argument(parser)
    parser.add_argument(
        "--certificate",
        type=Path,
        required=True,
        metavar="FILE",
        help="PEM file of the certificate; it is replaced",
    )
    parser.add_argument(
        "--private-key",
        type=Path,
        metavar="FILE",
        help="PEM file of its private key; it is replaced (default: FILE.key for FILE.pem)",
    )
    parser.add_argument(
        "--if-expires-within",
        type=days,
        metavar="N",
        help="do nothing while the certificate is valid for more than N days, for cron",
    )
    parser.add_argument(
        "--keep-key", action="store_true", help="certify the same key; write no private key"
    )
    add_key_type_argument(parser, default="that of the old key")
    add_days_argument(parser, default="as long as the old one was")


def run(arguments: argparse.Namespace) -> int:
    """Replace certificate and key and print where they are; a SidecarError says why not."""
    now = SystemClock().now()
    files = FilePair(
        arguments.certificate, arguments.private_key or arguments.certificate.with_suffix(".key")
    )
    if arguments.keep_key and arguments.key_type is not None:
        raise OperatorError("--key-type does not go with --keep-key", hint="leave one of them out")
    issuer = open_authority(arguments.ca)
    # From the reading to the writing: of two that renew at once, the second finds a whole pair.
    with locked(arguments.ca):
        old = _old_certificate(files.certificate, issuer, arguments.ca)
        old_key = _old_key(files, old, keep=arguments.keep_key)
        if old_key.belongs and _lives_on(old, arguments.if_expires_within, now):
            return 0
        record = read_record(arguments.ca)
        _refuse_revoked(record, old)
        key = None if arguments.keep_key else generate_key(_kind(arguments, old))
        certificate = _renewed(issuer, old, key, arguments, now=now)
        write_record(arguments.ca, with_certificate(record, certificate))
        _replace(files, certificate_pem(certificate, *issuer.intermediates), key, old_key.content)
    files.print_paths(private_key=key is not None)
    if key is not None:
        warn_of_key_file(files.private_key)  # which has the mode of the old one
    if not old_key.belongs:
        warn(
            f"private key {files.private_key} did not belong to certificate {files.certificate}:"
            " both are new, whenever the old ones would have expired"
        )
    _tell(certificate, old)
    return 0


def _old_certificate(path: Path, issuer: Authority, directory: Path) -> x509.Certificate:
    content = read_file(path, "certificate")
    if b"PRIVATE KEY-----" in content:
        raise OperatorError(
            f"{path} holds a private key beside the certificate",
            hint="keep them in two files: this command replaces each by itself",
        )
    certificate = read_certificates(path, content)[0]
    if is_authority(certificate):
        raise OperatorError(
            f"certificate {path} is an authority's", hint="make a new one: sidecar certs ca"
        )
    if not issued_by(certificate, issuer.certificate):
        raise OperatorError(
            f"certificate {path} was not issued by {issuer.name}, the authority in {directory}",
            hint=f"name the directory of {certificate.issuer.rfc4514_string()} by --ca",
        )
    return certificate


@dataclass(frozen=True, slots=True)
class _OldKey:
    """The private key file as it is, and whether it belongs to the certificate."""

    content: bytes = field(repr=False)
    belongs: bool


def _old_key(files: FilePair, certificate: x509.Certificate, *, keep: bool) -> _OldKey:
    """Read the private key that is to be replaced, or kept; a kept one may be elsewhere."""
    path, hint = files.private_key, "--keep-key renews the certificate alone"
    if not path.exists():
        if keep:
            return _OldKey(b"", belongs=True)
        raise IdentityError(f"there is no private key {path} to be replaced", hint=hint)
    content = read_file(path, "private key")
    try:
        public = serialization.load_pem_private_key(content, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        # The parser's words are not repeated: they may quote what it read.
        raise IdentityError(
            f"private key {path} cannot be replaced by one like it ({type(exc).__name__})",
            hint=hint,
        ) from None
    belongs = bool(public == certificate.public_key())
    if keep and not belongs:
        raise IdentityError(
            f"private key {path} does not belong to certificate {files.certificate}",
            hint="renew both: leave --keep-key out",
        )
    return _OldKey(content, belongs)


def _lives_on(certificate: x509.Certificate, within_days: int | None, now: datetime) -> bool:
    """Say whether there is nothing to do yet, and tell people."""
    ends = certificate.not_valid_after_utc
    if within_days is None or ends - now <= timedelta(days=within_days):
        return False
    print(f"nothing to do: the certificate is valid until {iso_seconds(ends)}", file=sys.stderr)
    return True


def _kind(arguments: argparse.Namespace, old: x509.Certificate) -> KeyKind:
    if arguments.key_type is not None:
        return KeyKind(arguments.key_type)
    kind = kind_of(old.public_key())
    if kind is None:
        raise OperatorError(
            "the old key is of a kind that is not made here", hint="choose one by --key-type"
        )
    return kind


def _renewed(
    issuer: Authority,
    old: x509.Certificate,
    key: PrivateKey | None,
    arguments: argparse.Namespace,
    *,
    now: datetime,
) -> x509.Certificate:
    lifetime = old.not_valid_after_utc - old.not_valid_before_utc - BACKDATED
    validity = timedelta(days=arguments.days) if arguments.days else lifetime
    workload = checked(
        lambda: Workload.of(old), what="the certificate cannot be renewed: ", hint="issue a new one"
    )
    if key is not None:
        workload = replace(workload, public_key=key.public_key())
    check_may_issue(issuer, workload.subject, now=now, until=now + validity)
    return certify_workload(issuer, workload, now=now, validity=validity)


def _refuse_revoked(record: Record, old: x509.Certificate) -> None:
    known = find(record, old.serial_number)
    if known is not None and known.revocation is not None:
        raise OperatorError(
            f"the certificate was revoked at {known.revocation}",
            hint="issue a new one if the workload shall have one: sidecar certs issue",
        )


def _replace(files: FilePair, certificate: bytes, key: PrivateKey | None, old_key: bytes) -> None:
    """Replace the key and then the certificate; if the latter cannot be, the key is put back."""
    if key is not None:
        replace_file(files.private_key, private_key_pem(key))
    try:
        replace_file(files.certificate, certificate)
    except OperatorError:
        if key is not None:
            replace_file(files.private_key, old_key)
        raise


def _tell(certificate: x509.Certificate, old: x509.Certificate) -> None:
    print(
        one_line(f"renewed for {certificate.subject.rfc4514_string()},")
        + f" valid until {iso_seconds(certificate.not_valid_after_utc)}\n"
        f"the old certificate, serial number {old.serial_number:x}, stays good until"
        f" {iso_seconds(old.not_valid_after_utc)} or until it is revoked",
        file=sys.stderr,
    )
