"""What an end-entity certificate must be, and what its session is called.

Rules: IAM Roles Anywhere user guide, "Signature verification", "Trust model", "Source identity".
"""

from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from sidecar.emulator.roles_anywhere.certificates import (
    has_strong_signature,
    is_authority,
    is_version_3,
    key_usage,
    usable_key,
)

_INSUFFICIENT: Final = "Untrusted certificate. Insufficient certificate"
# A common name longer than this leaves no room for "CN=" in a source identity of 64 characters.
_LONGEST_PREFIXED_NAME: Final = 61


def constraint_problem(leaf: x509.Certificate) -> str:
    """Say which constraint on end entities a certificate breaks; empty when it breaks none.

    Does not check validity or who issued it (`certificate_path` does).
    """
    usage = key_usage(leaf)
    if usage is None or not usage.digital_signature:
        return _INSUFFICIENT
    checks = (
        (is_version_3(leaf), "not X.509 version 3"),
        (not is_authority(leaf), "a certificate authority may not be an end entity"),
        (has_strong_signature(leaf), "signature weaker than SHA-256"),
        (usable_key(leaf) is not None, "the key is neither RSA nor elliptic curve nor ML-DSA"),
        (bool(list(leaf.subject)), "the subject is empty"),
    )
    return next((f"{_INSUFFICIENT}: {reason}" for good, reason in checks if not good), "")


def hex_serial(leaf: x509.Certificate) -> str:
    """The serial number in lower-case hex: the default session name."""
    return f"{leaf.serial_number:x}"


def source_identity(leaf: x509.Certificate) -> str:
    """``CN=`` and the common name, bare when that is too long; without one ``ID=`` and serial."""
    names = _values(leaf.subject, NameOID.COMMON_NAME)
    if not names:
        serial = hex_serial(leaf)
        return f"ID={serial.zfill(len(serial) + len(serial) % 2)}"
    name = names[0]
    return f"CN={name}" if len(name) <= _LONGEST_PREFIXED_NAME else name


def _values(name: x509.Name, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(oid)]
