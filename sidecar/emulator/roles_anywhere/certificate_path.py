"""A path from an end-entity certificate to a trust anchor, as PKIX (RFC 5280, section 6) wants it.

The library's own verifier is made for web servers and demands names and usages that workload
certificates need not have, so the path is built here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from sidecar.emulator.roles_anywhere.certificates import (
    basic_constraints,
    has_strong_signature,
    is_authority,
    may_sign_certificates,
)
from sidecar.emulator.roles_anywhere.revocation import Revocation

# "MUST NOT exceed the maximum depth of 5 certificates" (user guide, CreateSession).
MAX_CHAIN: Final = 5


class Untrusted(Exception):
    """There is no valid path; the text says why, `certificate` at which certificate."""

    def __init__(self, reason: str, certificate: x509.Certificate) -> None:
        super().__init__(reason)
        self.reason = reason
        self.certificate = certificate


@dataclass(frozen=True, slots=True)
class Pool:
    """What a path may be built from, and what revokes parts of it.

    Intermediates may be in any order; a path ends at the first anchor that it meets.
    """

    intermediates: Sequence[x509.Certificate]
    anchors: Sequence[x509.Certificate]
    revocation: Revocation = field(default_factory=Revocation)


def find_path(leaf: x509.Certificate, pool: Pool, now: datetime) -> tuple[x509.Certificate, ...]:
    """Find a path from leaf to an anchor, both included, in which every rule holds at `now`.

    Checks on every path that the signatures allow: validity of each certificate, anchor included;
    for issuers CA:true, keyCertSign and pathLenConstraint; SHA-256 or stronger; revocation of all
    but the anchor.
    Does not check: name constraints, certificate policies, unknown critical extensions, or what the
    leaf itself must be (`end_entity` does).

    Raises:
        Untrusted: no path at all, or the first reason why the first path found is not valid.
    """
    first_problem: Untrusted | None = None
    for path in _paths((leaf,), pool):
        problem = _problem(path, now) or _revoked(path, pool.revocation, now)
        if problem is None:
            return path
        first_problem = first_problem or problem
    raise first_problem or Untrusted("Untrusted signing certificate", leaf)


def _paths(
    partial: tuple[x509.Certificate, ...], pool: Pool
) -> Iterator[tuple[x509.Certificate, ...]]:
    """Every path by name and signature alone, anchors tried before intermediates."""
    last = partial[-1]
    for anchor in pool.anchors:
        if _issued(last, anchor):
            yield (*partial, anchor)
    if len(partial) > MAX_CHAIN:
        return
    for candidate in pool.intermediates:
        if candidate not in (*partial, *pool.anchors) and _issued(last, candidate):
            yield from _paths((*partial, candidate), pool)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _problem(path: tuple[x509.Certificate, ...], now: datetime) -> Untrusted | None:
    """The first rule that a path breaks, from the leaf upwards."""
    for position, certificate in enumerate(path):
        reason = _validity_problem(certificate, now)
        if position > 0:
            reason = reason or _issuer_problem(certificate, path[1:position])
        if reason:
            return Untrusted(reason, certificate)
    return None


def _revoked(
    path: tuple[x509.Certificate, ...], revocation: Revocation, now: datetime
) -> Untrusted | None:
    for certificate, issuer in pairwise(path):
        if reason := revocation.problem(certificate, issuer, now):
            return Untrusted(reason, certificate)
    return None


def _validity_problem(certificate: x509.Certificate, now: datetime) -> str:
    if now > certificate.not_valid_after_utc:
        return "Untrusted certificate. Certificate has expired"
    if now < certificate.not_valid_before_utc:
        return "Untrusted certificate. Certificate is not yet valid"
    return ""


def _issuer_problem(issuer: x509.Certificate, below: tuple[x509.Certificate, ...]) -> str:
    """`below` are the authorities between this issuer and the leaf."""
    if not is_authority(issuer):
        return "Untrusted certificate. Issuer is not a certificate authority"
    if not may_sign_certificates(issuer):
        return "Untrusted certificate. Issuer may not sign certificates"
    if not has_strong_signature(issuer):
        return "Untrusted certificate. Issuer has a signature weaker than SHA-256"
    constraints = basic_constraints(issuer)
    limit = constraints.path_length if constraints is not None else None
    depth = sum(1 for each in below if each.subject != each.issuer)
    if limit is not None and depth > limit:
        return "Untrusted certificate. Path length constraint exceeded"
    return ""
