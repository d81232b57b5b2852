"""What is wrong with an end-entity certificate by itself."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sidecar.ca.path import is_self_signed
from sidecar.identity.certificate_traits import (
    expires_soon,
    extension,
    utc,
    weak_hash_name,
)
from sidecar.identity.finding import Finding, error, warning
from sidecar.identity.session_tags import unfit_attributes

# NIST SP 800-57 part 1; AWS documents no minimum.
_RSA_BITS: Final = 2048
# "Maximum certificate size" of the AWS prescriptive guidance on IAM Roles Anywhere.
_MAX_BYTES: Final = 16 * 1024
# RFC 5280, section 4.1.2.2: positive, and not longer than 20 octets.
_SERIAL_NUMBERS: Final = range(1, 1 << 159)


def check_leaf(leaf: x509.Certificate, now: datetime, soon: timedelta) -> Iterator[Finding]:
    """Check validity, what CreateSession demands, and what else is known to make trouble.

    Args:
        leaf: the certificate.
        now: the moment to check validity at.
        soon: how long before its end it is said to expire soon.

    """
    yield from _validity(leaf, now, soon)
    yield from _constraints(leaf)
    yield from _oddities(leaf)


def _validity(leaf: x509.Certificate, now: datetime, soon: timedelta) -> Iterator[Finding]:
    starts, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now > ends:
        yield error("expired", f"the certificate expired at {utc(ends)}", "renew it")
    elif now < starts:
        yield error(
            "not-yet-valid",
            f"the certificate is not valid before {utc(starts)}",
            f"wait, or correct this machine's clock (it says {utc(now)})",
        )
    elif expires_soon(leaf, now, soon):
        yield warning("expires-soon", f"the certificate expires at {utc(ends)}", "renew it now")


def _constraints(leaf: x509.Certificate) -> Iterator[Finding]:
    """Check what the user guide demands of end-entity certificates ("Signature verification")."""
    if leaf.version is not x509.Version.v3:
        yield error(
            "version",
            "the certificate is of X.509 version 1",
            "issue it again with extensions, which makes it version 3",
        )
    basic = extension(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        yield error("ca", "the certificate is a CA's own (CA:true)", "issue an end-entity one")
    elif is_self_signed(leaf):
        yield error(
            "self-signed",
            "the certificate is self-signed",
            "have it issued by the trust anchor's CA, which a self-signed one cannot be",
        )
    usage = extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        yield error(
            "key-usage",
            "the certificate lacks key usage digitalSignature",
            "issue it again with keyUsage=digitalSignature",
        )
    if name := weak_hash_name(leaf):
        yield error("weak-hash", f"the certificate is signed with {name}", "SHA-256 is required")
    if not list(leaf.subject):
        yield error(
            "empty-subject",
            "the certificate has an empty subject",
            "give it a common name: Roles Anywhere tells workloads apart by it",
        )


def _oddities(leaf: x509.Certificate) -> Iterator[Finding]:
    bits = _rsa_bits(leaf)
    if bits is not None and bits < _RSA_BITS:
        yield warning(
            "weak-key", f"the RSA key has {bits} bits", f"make one of {_RSA_BITS} bits or more"
        )
    if leaf.serial_number not in _SERIAL_NUMBERS:
        yield warning(
            "serial-number",
            f"the certificate's serial number is {leaf.serial_number}",
            "have it issued with a positive one of at most 20 octets (RFC 5280)",
        )
    size = len(leaf.public_bytes(serialization.Encoding.DER))
    if size > _MAX_BYTES:
        yield warning(
            "certificate-size",
            f"the certificate has {size} bytes",
            f"AWS takes {_MAX_BYTES}; issue it with fewer names",
        )
    if unfit := unfit_attributes(leaf):
        yield warning(
            "session-tags",
            f"session tags cannot hold the certificate's {', '.join(unfit)}",
            "AWS leaves such values out, or refuses the session; they may have at most 256 "
            "letters, digits, blanks and _.:/=+-@",
        )


def _rsa_bits(leaf: x509.Certificate) -> int | None:
    try:
        key = leaf.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return None
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else None
