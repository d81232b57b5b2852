"""Say what certificate and key files hold, what AWS will make of it, and what is wrong with it.

Files are PEM, DER or PKCS#12, in any order; what belongs together is found by keys and signatures.
A certificate is judged as what a sidecar proves itself with, an authority's only if its private key
is given.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from sidecar.ca.path import is_self_signed
from sidecar.cli.certificate_facts import CertificateFacts
from sidecar.cli.certs_contents import (
    ENCRYPTED,
    IN_TPM,
    Contents,
    FoundCertificate,
    FoundKey,
    read_contents,
)
from sidecar.cli.one_line import one_line
from sidecar.clock import SystemClock, iso_seconds
from sidecar.identity.checks import Finding, Severity, check_certificates, check_key_file
from sidecar.identity.password import NoPasswordSource, PasswordFile

EXAMPLE: Final = "sidecar certs show certs/workload.pem certs/workload.key"

_LABEL_WIDTH: Final = 18
_NOT_OPENED: Final = {
    ENCRYPTED: "give --password-file to have it opened",
    IN_TPM: "its TPM is not asked; sidecar sign-string --private-key FILE --certificate FILE does",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A finding, and the file that it is about."""

    path: Path
    finding: Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="certificates and private keys"
    )
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="password of the private keys and PKCS#12 files that are encrypted",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print everything; return 1 when a finding is an error."""
    now = SystemClock().now()
    file: Path | None = arguments.password_file
    contents = read_contents(arguments.files, PasswordFile(file) if file else NoPasswordSource())
    judgements = list(_judged(contents, now))
    if arguments.json:
        print(json.dumps(_document(contents, judgements), indent=2))
    else:
        lines = [*_told(contents, now), *map(_told_judgement, judgements)]
        print(*lines, sep="\n")
    return int(any(each.finding.severity is Severity.ERROR for each in judgements))


def _judged(contents: Contents, now: datetime) -> Iterator[Judgement]:
    for found in contents.certificates:
        if contents.is_identity(found):
            chain = tuple(each for each in contents.above(found) if not is_self_signed(each))
            for finding in check_certificates(found.certificate, chain, now):
                yield Judgement(found.path, finding)
        elif not found.certificate.not_valid_before_utc <= now <= _end(found):
            yield Judgement(found.path, _authority_not_valid(found))
    for key in contents.keys:
        yield from (Judgement(key.path, each) for each in check_key_file(key.path))
        if contents.certificates and key.public and contents.certificate_of(key) is None:
            yield Judgement(key.path, _stray(key))


def _authority_not_valid(found: FoundCertificate) -> Finding:
    name = found.certificate.subject.rfc4514_string()
    return Finding(
        "authority-validity",
        Severity.ERROR,
        f"the authority {name} is not valid now",
        "make a new authority and register it as a trust anchor",
    )


def _stray(key: FoundKey) -> Finding:
    return Finding(
        "key-mismatch",
        Severity.ERROR,
        f"private key {key.path} belongs to none of the certificates",
        "give the key that the certificate was requested with, or renew both",
    )


def _told(contents: Contents, now: datetime) -> Iterator[str]:
    for found in contents.certificates:
        facts = CertificateFacts.of(found.certificate)
        yield one_line(f"{found.path}: certificate {found.position}")
        for label, text in (*_rows(facts, now), *_relations(contents, found)):
            yield one_line(f"  {label:<{_LABEL_WIDTH}}{text}")
        yield ""
    for key in contents.keys:
        owner = contents.certificate_of(key)
        yield one_line(f"{key.path}: private key")
        yield f"  {'key':<{_LABEL_WIDTH}}{key.name}"
        if owner is not None or key.public is None:
            place = _place(owner) if owner else f"not matched: {_NOT_OPENED[key.name]}"
            yield one_line(f"  {'certificate':<{_LABEL_WIDTH}}{place}")
        yield ""


def _rows(facts: CertificateFacts, now: datetime) -> Iterator[tuple[str, str]]:
    yield "subject", facts.subject or "(empty)"
    yield "issuer", facts.issuer
    yield "serial (decimal)", str(facts.serial_number)
    yield "serial (hex)", f"{facts.serial_number:x}"
    if not facts.authority:
        yield "session name", facts.session_name
        yield "source identity", facts.source_identity
    yield from (("DNS name", each) for each in facts.dns)
    yield from (("URI", each) for each in facts.uris)
    validity = f"{iso_seconds(facts.not_before)} to {iso_seconds(facts.not_after)}"
    yield "valid", f"{validity} ({_remaining(facts, now)})"
    yield "key", facts.key
    yield "signature", facts.signature
    yield "authority", "yes" if facts.authority else "no"
    yield "SHA-256", facts.sha256


def _relations(contents: Contents, found: FoundCertificate) -> Iterator[tuple[str, str]]:
    key = contents.key_of(found)
    if key is not None:
        yield "private key", str(key.path)
    for number, issuer in enumerate(contents.above(found), 1):
        kind = " (self-signed: not sent)" if is_self_signed(issuer) else ""
        yield f"chain {number}", issuer.subject.rfc4514_string() + kind


def _remaining(facts: CertificateFacts, now: datetime) -> str:
    if now < facts.not_before:
        return "not yet valid"
    days = (facts.not_after - now).days
    return f"{days} days left" if now <= facts.not_after else f"expired {-days - 1} days ago"


def _told_judgement(judgement: Judgement) -> str:
    finding = judgement.finding
    return "\n".join(
        (
            one_line(f"{finding.severity}: {judgement.path}: {finding.sentence} [{finding.code}]"),
            one_line(f"  hint: {finding.hint}"),
        )
    )


def _document(contents: Contents, judgements: Sequence[Judgement]) -> dict[str, object]:
    return {
        "certificates": [_certificate(contents, each) for each in contents.certificates],
        "private_keys": [_private_key(contents, each) for each in contents.keys],
        "findings": [
            {
                "file": str(each.path),
                "code": each.finding.code,
                "severity": each.finding.severity.value,
                "sentence": each.finding.sentence,
                "hint": each.finding.hint,
            }
            for each in judgements
        ],
    }


def _certificate(contents: Contents, found: FoundCertificate) -> dict[str, object]:
    facts, key = CertificateFacts.of(found.certificate), contents.key_of(found)
    return {
        "file": str(found.path),
        "position": found.position,
        "subject": facts.subject,
        "issuer": facts.issuer,
        # As text: JSON's numbers end far below a serial number's 20 bytes in many readers.
        "serial_number": str(facts.serial_number),
        "serial_number_hex": f"{facts.serial_number:x}",
        "session_name": facts.session_name,
        "source_identity": facts.source_identity,
        "dns": list(facts.dns),
        "uris": list(facts.uris),
        "not_before": iso_seconds(facts.not_before),
        "not_after": iso_seconds(facts.not_after),
        "key": facts.key,
        "signature": facts.signature,
        "authority": facts.authority,
        "sha256": facts.sha256,
        "private_key": None if key is None else str(key.path),
        "chain": [_sha256(each) for each in contents.above(found)],
    }


def _private_key(contents: Contents, key: FoundKey) -> dict[str, object]:
    owner = contents.certificate_of(key)
    return {
        "file": str(key.path),
        "key": key.name,
        "certificate": None if owner is None else _sha256(owner.certificate),
    }


def _sha256(certificate: x509.Certificate) -> str:
    return CertificateFacts.of(certificate).sha256


def _place(found: FoundCertificate) -> str:
    return f"{found.path}, number {found.position}"


def _end(found: FoundCertificate) -> datetime:
    return found.certificate.not_valid_after_utc
