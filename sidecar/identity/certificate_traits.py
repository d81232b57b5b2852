"""Traits that the checks of leaf and chain both ask for."""

from datetime import datetime, timedelta
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

# A certificate that lives a day by design must not warn all its life: there a third counts.
_SHARE_OF_LIFE: Final = 1 / 3
# "SHA-256 or stronger": IAM Roles Anywhere user guide, "Signature verification".
_HASH_BYTES: Final = 32


def expires_soon(certificate: x509.Certificate, now: datetime, soon: timedelta) -> bool:
    """Whether a certificate that is still valid has less than `soon` left, or most of a short life.

    Args:
        certificate: one that has not expired.
        now: this moment.
        soon: what counts as soon for one of long life.

    """
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return ends - now < min(soon, (ends - starts) * _SHARE_OF_LIFE)


def extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """Give the extension of a kind, if there is one."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def weak_hash_name(certificate: x509.Certificate) -> str | None:
    """Name the hash that a certificate is signed with if it is weaker than SHA-256.

    ML-DSA and EdDSA have none that counts here.
    """
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return f"an unknown algorithm ({certificate.signature_algorithm_oid.dotted_string})"
    if algorithm is None or algorithm.digest_size >= _HASH_BYTES:
        return None
    return algorithm.name


def utc(moment: datetime) -> str:
    """Write a moment as these findings do."""
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"
