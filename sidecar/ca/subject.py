"""Who a certificate is for: its subject and its alternative names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

# ub-common-name and its like in RFC 5280, appendix A.1; cryptography counts it in bytes of UTF-8.
_MAX_NAME_PART: Final = 64
# RFC 1123 section 2.1; no wildcard: this names one workload.
_DNS_NAME: Final = re.compile(
    r"(?!.{254})(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*"
)
# AWS makes session tags of these names, and refuses a session whose tag has any other character
# or is longer (STS API reference, "Tag").
_URI: Final = re.compile(r"[A-Za-z0-9_.:/=+@-]{1,256}")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a certificate is for; only the common name is required.

    AWS builds a session's source identity and its principal tags from these (IAM Roles Anywhere
    user guide, "Trust model"), so they are worth choosing well.
    """

    common_name: str
    organization: str | None = None
    organizational_unit: str | None = None

    def name(self) -> x509.Name:
        """Give it as an X.509 name; ValueError says which part is empty, too long or binary."""
        parts = [
            (NameOID.ORGANIZATION_NAME, "organization", self.organization),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "organizational unit", self.organizational_unit),
            (NameOID.COMMON_NAME, "common name", self.common_name),
        ]
        return x509.Name(
            [
                x509.NameAttribute(oid, _checked_part(label, text))
                for oid, label, text in parts
                if text is not None
            ]
        )


def checked_name(name: x509.Name) -> x509.Name:
    """Return a name that somebody asks for; ValueError unless every part can stand as it is.

    It must have one common name: of two, nobody can say which one a policy would be about.
    """
    for attribute in name:
        label = attribute.rfc4514_attribute_name
        if not isinstance(attribute.value, str):
            raise ValueError(f"subject part {label} must be text")
        _checked_part(f"subject part {label}", attribute.value)
    count = len(name.get_attributes_for_oid(NameOID.COMMON_NAME))
    if count != 1:
        raise ValueError(f"the subject must have one common name (it has {count})")
    return name


def alternative_names(
    dns: Iterable[str], uris: Iterable[str]
) -> x509.SubjectAlternativeName | None:
    """Make the extension for DNS names and URIs; None for none of either.

    AWS maps the first of each to the session tags ``x509SAN/DNS`` and ``x509SAN/URI`` (user guide,
    "Attribute mapping").

    Raises:
        ValueError: one is malformed, or could not be a session tag.

    """
    names: list[x509.GeneralName] = [x509.DNSName(_checked_dns(each)) for each in dns]
    names += [x509.UniformResourceIdentifier(_checked_uri(each)) for each in uris]
    return x509.SubjectAlternativeName(names) if names else None


def _checked_part(label: str, text: str) -> str:
    length = len(text.encode())
    if not 1 <= length <= _MAX_NAME_PART:
        raise ValueError(f"{label} must have 1 to {_MAX_NAME_PART} bytes (got {length})")
    if not text.isprintable():
        raise ValueError(f"{label} must be printable (got {text!r})")
    return text


def _checked_dns(text: str) -> str:
    if not _DNS_NAME.fullmatch(text):
        raise ValueError(f"a DNS name must have letters, digits, dots and hyphens (got {text!r})")
    return text


def _checked_uri(text: str) -> str:
    if not _URI.fullmatch(text) or not urlsplit(text).scheme:
        raise ValueError(f"a URI must have a scheme and what a session tag may hold (got {text!r})")
    return text
