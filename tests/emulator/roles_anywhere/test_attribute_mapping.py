"""Attribute mapping as pure values: which attributes become which tags."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from sidecar.emulator.roles_anywhere.attribute_mapping import (
    DEFAULT_MAPPINGS,
    Mappings,
    is_tag_value,
    session_tags,
    specifier_problem,
    unmapped_sentence,
    with_mapping,
    without_mapping,
)

Certify = Callable[..., tuple[x509.Certificate, Any]]
DIRECTORY = x509.Name(
    [
        x509.NameAttribute(NameOID.COMMON_NAME, "directory"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Seoul"),
    ]
)


@pytest.fixture
def leaf(certify: Certify) -> x509.Certificate:
    """Give a certificate with something in every field that can be mapped."""
    issuer = certify(name="Issuing CA", ca=True)
    attributes = [
        (NameOID.COUNTRY_NAME, "KR"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Security"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Engineering"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Research"),
        (NameOID.COMMON_NAME, "web"),
        (NameOID.PSEUDONYM, "spider"),
    ]
    names = [
        x509.DNSName("web.example"),
        x509.DNSName("second.example"),
        x509.UniformResourceIdentifier("spiffe://example/web"),
        x509.DirectoryName(DIRECTORY),
        x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "second")])),
        x509.RFC822Name("web@example.com"),
    ]
    made: x509.Certificate = certify(issuer, attributes=attributes, alternative_names=names)[0]
    return made


MAPPED: list[tuple[Mappings, dict[str, str]]] = [
    (
        DEFAULT_MAPPINGS,
        {
            "x509Issuer/CN": "Issuing CA",
            "x509Subject/C": "KR",
            "x509Subject/OU": "Security/Engineering/Research",
            "x509Subject/CN": "web",
            "x509SAN/DNS": "web.example",
            "x509SAN/URI": "spiffe://example/web",
            "x509SAN/Name/CN": "directory",
            "x509SAN/Name/L": "Seoul",
        },
    ),
    ({}, {}),
    ({"x509Subject": ("CN",)}, {"x509Subject/CN": "web"}),
    ({"x509Subject": ("ST", "C")}, {"x509Subject/C": "KR"}),
    ({"x509Subject": ("2.5.4.65",)}, {"x509Subject/2.5.4.65": "spider"}),
    ({"x509Issuer": ("CN",)}, {"x509Issuer/CN": "Issuing CA"}),
    ({"x509SAN": ("DNS",)}, {"x509SAN/DNS": "web.example"}),
    ({"x509SAN": ("URI",)}, {"x509SAN/URI": "spiffe://example/web"}),
    ({"x509SAN": ("Name/CN",)}, {"x509SAN/Name/CN": "directory"}),
    *(
        ({"x509SAN": (same,)}, {"x509SAN/Name/CN": "directory", "x509SAN/Name/L": "Seoul"})
        for same in ("Name", "Name/", "Name/*")
    ),
]


@pytest.mark.parametrize(("mappings", "tags"), MAPPED)
def test_what_is_mapped_and_present_becomes_a_tag(
    leaf: x509.Certificate, mappings: Mappings, tags: dict[str, str]
) -> None:
    assert session_tags(leaf, mappings) == tags


def test_a_certificate_without_alternative_names_has_no_tags_of_them(certify: Certify) -> None:
    assert session_tags(certify(name="web")[0], {"x509SAN": ("DNS", "URI", "Name")}) == {}


@pytest.mark.parametrize(
    ("field", "specifier", "good"),
    [
        ("x509Subject", "*", True),
        ("x509Issuer", "OU", True),
        ("x509Subject", "2.5.4.3", True),
        ("x509Subject", "cn", False),
        ("x509Subject", "", False),
        ("x509Subject", "C*", False),
        ("x509Subject", "DNS", False),
        ("x509Subject", "2", False),
        ("x509Subject", "2.05", False),
        ("x509Subject", "1.40", False),
        ("x509SAN", "DNS", True),
        ("x509SAN", "URI", True),
        ("x509SAN", "Name", True),
        ("x509SAN", "Name/", True),
        ("x509SAN", "Name/*", True),
        ("x509SAN", "Name/CN", True),
        ("x509SAN", "*", False),
        ("x509SAN", "CN", False),
        ("x509SAN", "DNS/*", False),
        ("x509SAN", "Name/Name", False),
        ("x509SAN", "Email", False),
    ],
)
def test_specifiers_that_mean_something(field: str, specifier: str, *, good: bool) -> None:
    expected = "" if good else f"Unsupported specifier '{specifier}' for {field}"
    assert specifier_problem(field, specifier) == expected


def test_a_mapping_replaces_the_specifiers_of_its_field_and_of_no_other() -> None:
    changed = with_mapping(DEFAULT_MAPPINGS, "x509Subject", ["CN", "OU"])
    assert changed == {**DEFAULT_MAPPINGS, "x509Subject": ("CN", "OU")}


@pytest.mark.parametrize(
    ("specifiers", "left"),
    [
        (["DNS"], {"x509Issuer": ("*",), "x509SAN": ("URI", "Name/*"), "x509Subject": ("*",)}),
        (["DNS", "URI", "Name/*"], {"x509Issuer": ("*",), "x509Subject": ("*",)}),
        ([], {"x509Issuer": ("*",), "x509Subject": ("*",)}),
    ],
)
def test_specifiers_are_taken_away_one_by_one_or_all(specifiers: list[str], left: Mappings) -> None:
    assert without_mapping(DEFAULT_MAPPINGS, "x509SAN", specifiers) == left


@pytest.mark.parametrize(
    ("mappings", "specifiers", "missing"),
    [({}, [], "x509SAN"), ({"x509SAN": ("DNS",)}, ["DNS", "URI"], "x509SAN/URI")],
)
def test_what_is_not_mapped_cannot_be_taken_away(
    mappings: Mappings, specifiers: list[str], missing: str
) -> None:
    with pytest.raises(LookupError, match=f"^{missing}$"):
        without_mapping(mappings, "x509SAN", specifiers)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ("a_.:/=+-@ 1", True),
        ("서울\u00a0ǅ²", True),
        ("v" * 256, True),
        ("v" * 257, False),
        ("*", False),
        ("a(b)", False),
        ("a,b", False),
        ("a\tb", False),
        ("a\u0301", False),
    ],
)
def test_values_of_tags(text: str, *, good: bool) -> None:
    assert is_tag_value(text) is good


def test_the_service_names_a_failing_alternative_name_by_kind_and_number() -> None:
    keys = ["x509SAN/DNS", "x509SAN/URI", "x509SAN/Name/CN", "x509Issuer/CN", "x509Issuer/O"]
    assert unmapped_sentence(keys) == (
        "Some attributes failed to be mapped into session tags. "
        "Issuer: [ CN, O ]; Subject: [  ]; SAN: [ DNS/2, URI/6, Name/CN ]"
    )
