"""Who issued whom: the path from a certificate up to its root."""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

# Above every path that IAM Roles Anywhere takes, so that a longer one is still seen to be too long.
MAX_DEPTH: Final = 8


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key signed the certificate, under the issuer's name.

    Not checked: validity, and whether the issuer may sign certificates.
    """
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether a certificate names itself as its issuer, as roots do."""
    return certificate.issuer == certificate.subject


def issuers_above(
    certificate: x509.Certificate, pool: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Walk upwards from a certificate through `pool`, a self-signed root included.

    Where several certificates of one issuer fit, as after its renewal, the longest valid is taken.
    The walk ends at `MAX_DEPTH`: authorities that certify one another may be without end.
    """
    path: list[x509.Certificate] = []
    current = certificate
    while not is_self_signed(current) and len(path) < MAX_DEPTH:
        above = [each for each in pool if each not in path and issued_by(current, each)]
        if not above:
            break
        current = max(above, key=lambda each: each.not_valid_after_utc)
        path.append(current)
    return tuple(path)
