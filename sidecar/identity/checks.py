"""What is wrong, or soon will be, with an identity: findings that every command shares."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sidecar.identity.identity import Identity
from sidecar.signing.x509 import MAX_CHAIN_LENGTH

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

# A certificate that lives a day by design must not warn all its life: there a third counts.
_EXPIRES_SOON: Final = timedelta(days=7)
_EXPIRES_SOON_SHARE: Final = 1 / 3
_WEAK_HASHES: Final = (hashes.MD5, hashes.SHA1)


class Severity(StrEnum):
    """An error stops the sidecar from starting; a warning is logged."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about an identity that somebody should act on."""

    code: str
    severity: Severity
    sentence: str
    hint: str


def check_identity(identity: Identity, now: datetime) -> list[Finding]:
    """Check an identity against what CreateSession demands of end-entity certificates.

    Rules: IAM Roles Anywhere user guide, "Signature verification". Not checked: whether the trust
    anchor's CA issued it, whether it is revoked, and what the role's trust policy wants of it.

    Args:
        identity: what to check.
        now: the moment to check validity at.

    """
    return [*_validity(identity, now), *_constraints(identity), *_chain(identity, now)]


def check_key_file(path: Path) -> list[Finding]:
    """Warn of a private key file that other users may read or write."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    return [
        Finding(
            "key-file-mode",
            Severity.WARNING,
            f"private key {path} has mode {mode:04o}: other users may use it",
            f"chmod 600 {path}",
        )
    ]


def _validity(identity: Identity, now: datetime) -> Iterator[Finding]:
    leaf = identity.certificate
    starts, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now > ends:
        yield _error("expired", f"the certificate expired at {ends:%Y-%m-%d %H:%M:%SZ}", "renew it")
    elif now < starts:
        yield _error(
            "not-yet-valid",
            f"the certificate is not valid before {starts:%Y-%m-%d %H:%M:%SZ}",
            f"wait, or correct this machine's clock (it says {now:%Y-%m-%d %H:%M:%SZ})",
        )
    elif ends - now < min(_EXPIRES_SOON, (ends - starts) * _EXPIRES_SOON_SHARE):
        yield Finding(
            "expires-soon",
            Severity.WARNING,
            f"the certificate expires at {ends:%Y-%m-%d %H:%M:%SZ}",
            "renew it now",
        )


def _constraints(identity: Identity) -> Iterator[Finding]:
    leaf = identity.certificate
    basic = _extension(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        yield _error("ca", "the certificate is a CA's own (CA:true)", "issue an end-entity one")
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        yield _error(
            "key-usage",
            "the certificate lacks key usage digitalSignature",
            "issue it again with keyUsage=digitalSignature",
        )
    if isinstance(leaf.signature_hash_algorithm, _WEAK_HASHES):
        name = leaf.signature_hash_algorithm.name
        yield _error("weak-hash", f"the certificate is signed with {name}", "SHA-256 is required")
    if not list(leaf.subject):
        yield _error(
            "empty-subject",
            "the certificate has an empty subject",
            "give it a common name: Roles Anywhere tells workloads apart by it",
        )


def _chain(identity: Identity, now: datetime) -> Iterator[Finding]:
    if len(identity.chain) > MAX_CHAIN_LENGTH:
        yield _error(
            "chain-length",
            f"the chain has {len(identity.chain)} intermediates",
            f"Roles Anywhere accepts {MAX_CHAIN_LENGTH}",
        )
    for each in identity.chain:
        if not each.not_valid_before_utc <= now <= each.not_valid_after_utc:
            name = each.subject.rfc4514_string()
            yield _error("chain-validity", f"intermediate {name} is not valid now", "renew it")


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _error(code: str, sentence: str, hint: str) -> Finding:
    return Finding(code, Severity.ERROR, sentence, hint)
