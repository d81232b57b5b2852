"""Attribute mapping: which fields of a certificate become session tags.

Rules: IAM Roles Anywhere user guide, "Certificate attribute mapping" and "Trust model". AWS does
not list the names of attributes that it knows; the table below holds the usual short ones.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

# Specifiers by certificate field, both in the order in which they are shown.
Mappings = Mapping[str, tuple[str, ...]]

# "Default mapping behavior" of the guide.
DEFAULT_MAPPINGS: Final[Mappings] = {
    "x509Issuer": ("*",),
    "x509SAN": ("DNS", "URI", "Name/*"),
    "x509Subject": ("*",),
}
_NAMES: Final = {
    "CN": NameOID.COMMON_NAME,
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    "T": NameOID.TITLE,
    "G": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
}
_OID: Final = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
# "the first value of DNS, URI and directory name"; the others are not mapped.
_DIRECTORY_NAME: Final = "Name"
# The service names a failing alternative name with the number of its kind in X.509: "DNS/2".
_KIND_NUMBERS: Final = {"x509SAN/DNS": "DNS/2", "x509SAN/URI": "URI/6"}
_LONGEST_VALUE: Final = 256
_VALUE_SIGNS: Final = frozenset("_.:/=+-@")


def specifier_problem(field: str, specifier: str) -> str:
    """Say what is wrong with a specifier of a certificate field; empty when nothing is."""
    if field == "x509SAN":
        kind, _, name = specifier.partition("/")
        known = specifier in {"DNS", "URI"} or (
            kind == _DIRECTORY_NAME and (not name or _is_name(name))
        )
    else:
        known = _is_name(specifier)
    return "" if known else f"Unsupported specifier '{specifier}' for {field}"


def with_mapping(mappings: Mappings, field: str, specifiers: Iterable[str]) -> Mappings:
    """Map these specifiers of a field, instead of those it had."""
    return {**mappings, field: tuple(specifiers)}


def without_mapping(mappings: Mappings, field: str, specifiers: Iterable[str] = ()) -> Mappings:
    """Map a field's specifiers no more; with none given, none of them.

    Raises:
        LookupError: one of them, or the field, is not mapped.
    """
    if field not in mappings:
        raise LookupError(field)
    dropped = tuple(specifiers) or mappings[field]
    for specifier in dropped:
        if specifier not in mappings[field]:
            raise LookupError(f"{field}/{specifier}")
    kept = tuple(each for each in mappings[field] if each not in dropped)
    others = {name: mappings[name] for name in mappings if name != field}
    return {**others, field: kept} if kept else others


def session_tags(leaf: x509.Certificate, mappings: Mappings) -> dict[str, str]:
    """The attributes that are mapped and present, by tag key, whatever their values.

    Attributes that occur more than once are joined by a slash, in the certificate's order.
    """
    pairs = [
        *_name_tags("x509Issuer", leaf.issuer, mappings.get("x509Issuer", ())),
        *_name_tags("x509Subject", leaf.subject, mappings.get("x509Subject", ())),
        *_alternative_name_tags(leaf, mappings.get("x509SAN", ())),
    ]
    return dict(pairs)


def is_tag_value(text: str) -> bool:
    r"""Whether STS takes this as the value of a tag: ``[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}``."""
    return len(text) <= _LONGEST_VALUE and all(
        char in _VALUE_SIGNS or unicodedata.category(char)[0] in "LZN" for char in text
    )


def unmapped_sentence(keys: Iterable[str]) -> str:
    """The service's words for attributes that could not become tags, given their tag keys."""
    listed = list(keys)

    def names(field: str) -> str:
        mine = (key for key in listed if key.startswith(f"{field}/"))
        return ", ".join(_KIND_NUMBERS.get(key, key.partition("/")[2]) for key in mine)

    return (
        "Some attributes failed to be mapped into session tags. "
        f"Issuer: [ {names('x509Issuer')} ]; Subject: [ {names('x509Subject')} ]; "
        f"SAN: [ {names('x509SAN')} ]"
    )


def _is_name(specifier: str) -> bool:
    return specifier == "*" or _oid_of(specifier) is not None


def _oid_of(specifier: str) -> x509.ObjectIdentifier | None:
    """The attribute that a short name or dotted numbers stand for."""
    if specifier in _NAMES:
        return _NAMES[specifier]
    try:
        return x509.ObjectIdentifier(specifier) if _OID.fullmatch(specifier) else None
    except ValueError:  # numbers that no object identifier can have
        return None


def _name_tags(
    prefix: str, name: x509.Name, specifiers: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for specifier in specifiers:
        for short in _NAMES if specifier == "*" else (specifier,):
            values = [str(each.value) for each in name if each.oid == _oid_of(short)]
            if values:
                yield f"{prefix}/{short}", "/".join(values)


def _alternative_name_tags(
    leaf: x509.Certificate, specifiers: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """The first value of each kind of alternative name."""
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return
    names = extension.value
    if "DNS" in specifiers:
        yield from _first("x509SAN/DNS", names.get_values_for_type(x509.DNSName))
    if "URI" in specifiers:
        yield from _first("x509SAN/URI", names.get_values_for_type(x509.UniformResourceIdentifier))
    # "Name, Name/ and Name/* are the same".
    wanted = tuple(
        each.partition("/")[2] or "*"
        for each in specifiers
        if each.partition("/")[0] == _DIRECTORY_NAME
    )
    for directory_name in names.get_values_for_type(x509.DirectoryName)[:1]:
        yield from _name_tags("x509SAN/Name", directory_name, wanted)


def _first(key: str, values: list[str]) -> Iterator[tuple[str, str]]:
    if values:
        yield key, values[0]
