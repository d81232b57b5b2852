"""Names in certificates: what they may hold, and what AWS could not make a session tag of."""

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from sidecar.ca import Subject
from sidecar.ca.subject import alternative_names, checked_name


def test_a_subject_holds_what_it_is_given() -> None:
    assert Subject("billing").name().rfc4514_string() == "CN=billing"
    full = Subject("billing", "Example", "Payments")
    assert full.name().rfc4514_string() == "CN=billing,OU=Payments,O=Example"
    assert Subject("가" * 21 + "x", "x" * 64, "x").name()


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (Subject(""), "common name must have 1 to 64 bytes (got 0)"),
        (Subject("x" * 65), "common name must have 1 to 64 bytes (got 65)"),
        (Subject("가" * 22), "common name must have 1 to 64 bytes (got 66)"),
        (Subject("a\nb"), r"common name must be printable (got 'a\nb')"),
        (Subject("x", ""), "organization must have 1 to 64 bytes (got 0)"),
        (Subject("x", "x" * 65), "organization must have 1 to 64 bytes (got 65)"),
        (Subject("x", "x", ""), "organizational unit must have 1 to 64 bytes (got 0)"),
    ],
    ids=["empty", "long", "long in bytes", "newline", "empty O", "long O", "empty OU"],
)
def test_a_subject_that_no_certificate_can_hold_is_refused(subject: Subject, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        subject.name()
    assert str(caught.value) == message


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def test_a_name_that_somebody_asks_for_is_kept_as_it_is() -> None:
    name = _name(
        (NameOID.COUNTRY_NAME, "KR"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Security"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Research"),
        (NameOID.COMMON_NAME, "billing"),
    )
    assert checked_name(name) is name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (_name(), "the subject must have one common name (it has 0)"),
        (_name((NameOID.ORGANIZATION_NAME, "x")), "one common name (it has 0)"),
        (
            _name((NameOID.COMMON_NAME, "a"), (NameOID.COMMON_NAME, "b")),
            "one common name (it has 2)",
        ),
        (_name((NameOID.COMMON_NAME, "a\x1b[2J")), "subject part CN must be printable"),
        (
            _name((NameOID.COMMON_NAME, "a"), (NameOID.STREET_ADDRESS, "x" * 65)),
            "subject part STREET must have 1 to 64 bytes (got 65)",
        ),
        (
            x509.Name(
                [
                    x509.NameAttribute(
                        NameOID.X500_UNIQUE_IDENTIFIER, b"x", _type=_ASN1Type.BitString
                    )
                ]
            ),
            "subject part 2.5.4.45 must be text",
        ),
    ],
    ids=["empty", "no CN", "two CNs", "escape", "long", "bits"],
)
def test_a_name_that_policies_could_not_rely_on_is_refused(name: x509.Name, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        checked_name(name)
    assert said in str(caught.value)


def test_alternative_names_keep_their_order() -> None:
    names = alternative_names(["b.example.com", "a"], ["spiffe://example.com/billing", "urn:x:y"])
    assert names == x509.SubjectAlternativeName(
        [
            x509.DNSName("b.example.com"),
            x509.DNSName("a"),
            x509.UniformResourceIdentifier("spiffe://example.com/billing"),
            x509.UniformResourceIdentifier("urn:x:y"),
        ]
    )
    assert alternative_names([], []) is None


@pytest.mark.parametrize("good", ["a", "A-1.b", "x" * 63, ".".join(["x" * 49] * 5)])
def test_a_dns_name_is_accepted(good: str) -> None:
    assert alternative_names([good], []) is not None


@pytest.mark.parametrize(
    "bad",
    [
        "",
        ".",
        "a.",
        "-a",
        "a-",
        "a..b",
        "*.a",
        "a_b",
        "a b",
        "é",
        "a\n",
        "x" * 64,
        "x." * 127 + "x",
    ],
)
def test_what_is_no_dns_name_is_refused(bad: str) -> None:
    with pytest.raises(ValueError) as caught:
        alternative_names([bad], [])
    assert str(caught.value).endswith(f"(got {bad!r})")


@pytest.mark.parametrize("good", ["spiffe://a/b", "urn:x", "https://a/b=c@d", "x:" + "y" * 254])
def test_a_uri_is_accepted(good: str) -> None:
    assert alternative_names([], [good]) is not None


@pytest.mark.parametrize(
    "bad",
    ["", "a/b", "://x", "urn:x y", "urn:x?y", "urn:%20", "urn:é", "urn:x\n", "x:" + "y" * 255],
)
def test_a_uri_that_no_session_tag_could_hold_is_refused(bad: str) -> None:
    with pytest.raises(ValueError) as caught:
        alternative_names([], [bad])
    assert str(caught.value).endswith(f"(got {bad!r})")
