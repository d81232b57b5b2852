"""The record of what an authority has issued and revoked: one JSON object a line."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sidecar.clock import iso_seconds, parse_iso_seconds
from sidecar.errors import OperatorError

# RFC 5280 section 4.1.2.2: 20 octets at the most, which are 49 digits; with colons in hex 59.
_MAX_SERIAL_TEXT: Final = 64
_DECIMAL: Final = re.compile(r"[0-9]+")
_HEX: Final = re.compile(r"(0x)?[0-9A-Fa-f]+(:[0-9A-Fa-f]+)*")


class Reason(StrEnum):
    """Why a certificate is revoked, in the words of RFC 5280 section 5.3.1.

    Not among them: ``certificateHold`` and ``removeFromCRL``, since nothing here is ever released,
    and ``aACompromise``, which is about attribute certificates.
    """

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"


@dataclass(frozen=True, slots=True)
class Revocation:
    """When a certificate was revoked, and why."""

    at: datetime
    reason: Reason

    def __str__(self) -> str:
        return f"{iso_seconds(self.at)} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate that the authority has issued."""

    serial_number: int
    subject: str
    not_before: datetime
    not_after: datetime
    sha256: str
    revocation: Revocation | None = None

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "Issued":
        """Note a certificate."""
        return cls(
            certificate.serial_number,
            certificate.subject.rfc4514_string(),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            certificate.fingerprint(hashes.SHA256()).hex(),
        )


Record = tuple[Issued, ...]


def with_certificate(record: Record, certificate: x509.Certificate) -> Record:
    """Add a certificate, unless it is there."""
    entry = Issued.of(certificate)
    known = any(each.serial_number == entry.serial_number for each in record)
    return record if known else (*record, entry)


def find(record: Record, serial_number: int) -> Issued | None:
    """Give what is known of a serial number."""
    return next((each for each in record if each.serial_number == serial_number), None)


def with_revocation(record: Record, serial_number: int, revocation: Revocation) -> Record:
    """Revoke a certificate; what is revoked already keeps its first date and reason."""
    return tuple(
        replace(each, revocation=revocation)
        if each.serial_number == serial_number and each.revocation is None
        else each
        for each in record
    )


def find_by_text(record: Record, text: str) -> Issued:
    """Find a certificate by a serial number as people write it: decimal, or hex with colons or 0x.

    Raises:
        OperatorError: it is no number, is not in the record, or its digits mean one certificate
            in decimal and another in hex.

    """
    numbers = set(_serial_numbers(text))
    if not numbers:
        raise OperatorError(
            f"{text!r} is not a serial number", hint="write it in decimal or in hex"
        )
    found = [each for each in record if each.serial_number in numbers]
    if not found:
        raise OperatorError(
            f"there is no certificate with serial number {text} in this authority's record",
            hint="name the certificate's file in place of its number",
        )
    if len(found) > 1:
        raise OperatorError(
            f"serial number {text} is one certificate in decimal and another in hex",
            hint="write 0x before a number in hex, or name the certificate's file",
        )
    return found[0]


def to_lines(record: Record) -> bytes:
    """Write a record, oldest first."""
    return b"".join(json.dumps(_fields(each)).encode() + b"\n" for each in record)


def from_lines(content: bytes) -> Record:
    """Read a record back; ValueError names the line that is not one."""
    record: list[Issued] = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            record.append(_entry(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise ValueError(f"line {number} is not an entry ({type(exc).__name__})") from None
    return tuple(record)


def _serial_numbers(text: str) -> Iterator[int]:
    if len(text) > _MAX_SERIAL_TEXT:
        return
    if _DECIMAL.fullmatch(text):
        yield int(text)
    if _HEX.fullmatch(text):
        yield int(text.replace(":", ""), 16)


def _fields(entry: Issued) -> dict[str, str | None]:
    revocation = entry.revocation
    return {
        "serial": f"{entry.serial_number:x}",
        "subject": entry.subject,
        "not_before": iso_seconds(entry.not_before),
        "not_after": iso_seconds(entry.not_after),
        "sha256": entry.sha256,
        "revoked_at": iso_seconds(revocation.at) if revocation else None,
        "reason": revocation.reason.value if revocation else None,
    }


def _entry(fields: Mapping[str, str | None]) -> Issued:
    def text(name: str) -> str:
        value = fields[name]
        if not isinstance(value, str):
            raise TypeError(name)
        return value

    return Issued(
        int(text("serial"), 16),
        text("subject"),
        parse_iso_seconds(text("not_before")),
        parse_iso_seconds(text("not_after")),
        text("sha256"),
        Revocation(parse_iso_seconds(text("revoked_at")), Reason(text("reason")))
        if fields["revoked_at"] is not None
        else None,
    )
