"""Reading an identity from PEM files."""

import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sidecar.errors import IdentityError
from sidecar.identity.identity import Identity, PrivateKey, same_key
from sidecar.redaction import Secret
from sidecar.regular_file import read_regular_file

# Far above any certificate bundle; a wrong path to a huge file must not fill the memory.
_MAX_FILE_BYTES = 1_000_000


def load_identity(
    certificate: Path,
    private_key: Path,
    *,
    chain: Path | None = None,
    password: Secret | None = None,
) -> Identity:
    """Read leaf, key and intermediates and put them together.

    The leaf is the certificate that belongs to the key, wherever it stands in its file. What is
    left in that file and in `chain` is ordered from the leaf's issuer upwards; a self-signed root
    and certificates that do not belong to the path are left out.

    This checks that key and certificate belong together and nothing else: validity and usage are
    findings of `sidecar.identity.checks`, and whether AWS trusts the issuer only AWS can say.

    Args:
        certificate: PEM file with the leaf, and possibly its issuers.
        private_key: PEM file with the key (PKCS#8, PKCS#1 or SEC1).
        chain: PEM file with intermediates.
        password: of an encrypted key.

    Raises:
        IdentityError: a file is missing, unreadable, not PEM, or key and certificate do not match.

    """
    key, certificates = _load_both(private_key, password, certificate)
    leaf = next((each for each in certificates if same_key(each, key)), None)
    if leaf is None:
        raise IdentityError(
            f"private key {private_key} does not belong to certificate {certificate}",
            hint="give the key that the certificate was requested with, or renew both",
        )
    others = [each for each in certificates if each != leaf]
    if chain is not None:
        others += [each for each in _load_certificates(chain) if each != leaf]
    return Identity(leaf, _ordered_issuers(leaf, others), key)


def _load_both(
    private_key: Path, password: Secret | None, certificate: Path
) -> tuple[PrivateKey, list[x509.Certificate]]:
    """Read both files, and tell of both where both are wrong."""
    try:
        key = _load_key(private_key, password)
    except IdentityError as first:
        if certificate == private_key:
            raise
        try:
            _load_certificates(certificate)
        except IdentityError as second:
            both = f"{first.message}; {second.message}"
            raise IdentityError(both, hint=first.hint) from None
        raise
    return key, _load_certificates(certificate)


def _ordered_issuers(
    leaf: x509.Certificate, pool: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Walk from the leaf upwards, leaving out self-signed roots.

    Where several certificates of one issuer fit, as after its renewal, the longest valid is taken.
    """
    intermediates = [each for each in pool if each.issuer != each.subject]
    path: list[x509.Certificate] = []
    current = leaf
    while current.issuer != current.subject:
        issuers = [each for each in intermediates if _issued(each, current) and each not in path]
        if not issuers:
            break
        current = max(issuers, key=lambda each: each.not_valid_after_utc)
        path.append(current)
    return tuple(path)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _load_certificates(path: Path) -> list[x509.Certificate]:
    try:
        certificates = x509.load_pem_x509_certificates(_read(path, "certificate"))
    except ValueError as exc:
        raise IdentityError(
            f"certificate {path} is not PEM: {_first_line(exc)}",
            hint="the file must hold -----BEGIN CERTIFICATE----- blocks",
        ) from exc
    for each in certificates:
        _parse_fully(path, each)
    return certificates


def _parse_fully(path: Path, certificate: x509.Certificate) -> None:
    """Read now what cryptography would read only when it is needed, so that it fails here."""
    try:
        _ = (certificate.subject, certificate.issuer, certificate.extensions)
    except (ValueError, x509.DuplicateExtension) as exc:
        raise IdentityError(
            f"certificate {path} is malformed: {_first_line(exc)}",
            hint="have it issued anew",
        ) from exc


def _load_key(path: Path, password: Secret | None) -> PrivateKey:
    encoded = _read(path, "private key")
    try:
        key = serialization.load_pem_private_key(
            encoded, None if password is None else password.reveal().encode()
        )
    except TypeError as exc:
        raise IdentityError(
            f"private key {path}: {_first_line(exc).lower()}",
            hint="an encrypted key needs its password, a plain one must have none",
        ) from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        # The parser's words are not repeated: they may quote what it read.
        raise IdentityError(
            f"private key {path} cannot be read ({type(exc).__name__})",
            hint="expected PEM with PKCS#8, PKCS#1 or SEC1, or the password is wrong",
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise IdentityError(
            f"private key {path} is of an unsupported kind: {type(key).__name__}",
            hint="IAM Roles Anywhere signs with RSA or EC keys",
        )
    return key


def _read(path: Path, what: str) -> bytes:
    try:
        content, _ = read_regular_file(path, _MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise IdentityError(
            f"{what} {path} cannot be read: {exc.strerror}",
            hint=f"check the path, and that uid {os.geteuid()} may read it",
        ) from exc
    if len(content) > _MAX_FILE_BYTES:
        raise IdentityError(f"{what} {path} is too large", hint="is this the right file?")
    return content


def _first_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0].rstrip(".")
