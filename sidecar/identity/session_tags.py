"""Which parts of a certificate AWS cannot turn into session tags.

Roles Anywhere makes session tags of subject, issuer and alternative names (user guide, "Attribute
mapping"); what a tag may hold is a rule of STS (API reference, `Tag`).
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

from cryptography import x509

from sidecar.identity.certificate_traits import extension

_MAX_CHARACTERS: Final = 256
_SIGNS: Final = frozenset("_.:/=+-@")
# Letters, separators and digits, by the first letter of their Unicode category.
_CATEGORIES: Final = frozenset("LZN")


def unfit_attributes(certificate: x509.Certificate) -> list[str]:
    """Name the attributes, as the default mapping does, whose values no session tag can hold.

    Not checked: mappings that the profile has changed.
    """
    return [name for name, value in _attributes(certificate) if not _fits(value)]


def _attributes(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    yield from _of_name("x509Subject", certificate.subject)
    yield from _of_name("x509Issuer", certificate.issuer)
    names = extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return
    # The first of each kind counts.
    yield from (("x509SAN/DNS", each) for each in names.get_values_for_type(x509.DNSName)[:1])
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    yield from (("x509SAN/URI", each) for each in uris[:1])
    for directory_name in names.get_values_for_type(x509.DirectoryName)[:1]:
        yield from _of_name("x509SAN/Name", directory_name)


def _of_name(prefix: str, name: x509.Name) -> Iterator[tuple[str, str]]:
    """Give each kind of attribute once, several values joined as AWS joins them."""
    values: dict[str, list[str]] = {}
    for each in name:
        if isinstance(each.value, str):
            values.setdefault(each.rfc4514_attribute_name, []).append(each.value)
    return ((f"{prefix}/{kind}", "/".join(found)) for kind, found in values.items())


def _fits(value: str) -> bool:
    return len(value) <= _MAX_CHARACTERS and all(
        each in _SIGNS or unicodedata.category(each)[0] in _CATEGORIES for each in value
    )
