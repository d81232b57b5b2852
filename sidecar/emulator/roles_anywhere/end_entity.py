"""What an end-entity certificate must be, and what its session is called.

Rules: IAM Roles Anywhere user guide, "Signature verification", "Trust model", "Source identity".
"""

import re
from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from sidecar.emulator.roles_anywhere.certificates import (
    has_strong_signature,
    has_usable_key,
    is_authority,
    is_version_3,
    key_usage,
)

_INSUFFICIENT: Final = "Untrusted certificate. Insufficient certificate"
_TAG_VALUE: Final = re.compile(r"[\w .:/=+\-@]{0,256}")
# A common name longer than this leaves no room for "CN=" in a source identity of 64 characters.
_LONGEST_PREFIXED_NAME: Final = 61
_RDN_NAMES: Final = {
    NameOID.COMMON_NAME: "CN",
    NameOID.COUNTRY_NAME: "C",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.USER_ID: "UID",
    NameOID.TITLE: "T",
    NameOID.GIVEN_NAME: "G",
    NameOID.SURNAME: "SN",
}


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
        (has_usable_key(leaf), "the key is neither RSA nor elliptic curve"),
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


def principal_tags(leaf: x509.Certificate) -> dict[str, str]:
    """The default attribute mapping; values that cannot be tag values are left out."""
    tags = {
        **_name_tags("x509Subject", leaf.subject),
        **_name_tags("x509Issuer", leaf.issuer),
        **_alternative_name_tags(leaf),
    }
    return {key: value for key, value in tags.items() if _TAG_VALUE.fullmatch(value)}


def _name_tags(prefix: str, name: x509.Name) -> dict[str, str]:
    """Attributes that occur more than once are joined by a slash, in certificate order."""
    present = {attribute.oid for attribute in name}
    return {
        f"{prefix}/{short}": "/".join(_values(name, oid))
        for oid, short in _RDN_NAMES.items()
        if oid in present
    }


def _values(name: x509.Name, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(oid)]


def _alternative_name_tags(leaf: x509.Certificate) -> dict[str, str]:
    """The first value of each kind of alternative name."""
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return {}
    names = extension.value
    tags = {
        **_first("x509SAN/DNS", names.get_values_for_type(x509.DNSName)),
        **_first("x509SAN/URI", names.get_values_for_type(x509.UniformResourceIdentifier)),
    }
    for directory_name in names.get_values_for_type(x509.DirectoryName)[:1]:
        tags |= _name_tags("x509SAN/Name", directory_name)
    return tags


def _first(key: str, values: Iterable[str]) -> dict[str, str]:
    return next(({key: value} for value in values), {})
