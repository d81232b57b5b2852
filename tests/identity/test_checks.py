"""Findings on an end-entity certificate: each one alone, and its twin that passes."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sidecar.identity.checks import Finding, Severity, check_certificates, check_identity
from sidecar.identity.identity import Identity
from sidecar.identity.signing_key import SoftwareKey
from tests.identity.certificates import (
    DAY,
    KEY,
    MD5_WITH_RSA,
    NOW,
    ODD_WITH_RSA,
    SHA1_WITH_RSA,
    SHA224_WITH_RSA,
    SHA256_WITH_RSA,
    SHA384_WITH_RSA,
    Made,
    signed_with,
)
from tests.identity.verdict import Openssl

SECOND: Final = timedelta(seconds=1)


def _findings(leaf: Made) -> list[Finding]:
    return check_certificates(leaf.certificate(), (), NOW)


def _codes(leaf: Made) -> list[str]:
    return [each.code for each in _findings(leaf)]


def _subject(*values: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in values])


COMMON, ORGANIZATION = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME


@pytest.mark.parametrize(
    ("leaf", "codes"),
    [
        pytest.param(Made(), [], id="nothing wrong"),
        pytest.param(Made(ends=NOW), ["expires-soon"], id="its last second"),
        pytest.param(Made(ends=NOW - SECOND), ["expired"], id="a second too old"),
        pytest.param(Made(starts=NOW), [], id="its first second"),
        pytest.param(Made(starts=NOW + SECOND), ["not-yet-valid"], id="too young"),
        pytest.param(Made(ends=NOW + 7 * DAY), [], id="a week left"),
        pytest.param(
            Made(starts=NOW - 30 * DAY, ends=NOW + 7 * DAY - SECOND),
            ["expires-soon"],
            id="less than a week left",
        ),
        pytest.param(
            Made(starts=NOW - DAY / 2, ends=NOW + DAY / 2), [], id="half of a short life left"
        ),
        pytest.param(
            Made(starts=NOW - DAY * 3 / 4, ends=NOW + DAY / 4),
            ["expires-soon"],
            id="less than a third of a short life left",
        ),
        pytest.param(Made(ca=None), [], id="no basic constraints"),
        pytest.param(Made(ca=True), ["ca"], id="a CA's own"),
        pytest.param(Made(issuer="billing"), ["self-signed"], id="self-signed"),
        pytest.param(Made(issuer="billing", ca=True), ["ca"], id="a root"),
        pytest.param(Made(usage=["key_encipherment"]), ["key-usage"], id="another key usage"),
        pytest.param(Made(usage=None), ["key-usage"], id="no key usage"),
        pytest.param(Made(usage=["digital_signature"]), [], id="digitalSignature alone"),
        pytest.param(Made(name=""), ["empty-subject"], id="no subject"),
        pytest.param(Made(serial_number=(1 << 159) - 1), [], id="the longest serial number"),
        pytest.param(
            Made(subject=_subject((ORGANIZATION, "Example, Inc."), (COMMON, "billing"))),
            ["session-tags"],
            id="a comma in the subject",
        ),
        pytest.param(
            Made(name="", ca=True, ends=NOW - DAY / 2),
            ["expired", "ca", "empty-subject"],
            id="everything at once",
        ),
    ],
)
def test_each_fault_of_a_leaf_is_found(leaf: Made, codes: list[str]) -> None:
    assert _codes(leaf) == codes


@pytest.mark.parametrize(
    ("algorithm", "sentences"),
    [
        (SHA256_WITH_RSA, []),
        (SHA384_WITH_RSA, []),
        (SHA1_WITH_RSA, ["the certificate is signed with sha1"]),
        (MD5_WITH_RSA, ["the certificate is signed with md5"]),
        (SHA224_WITH_RSA, ["the certificate is signed with sha224"]),
        (
            ODD_WITH_RSA,
            ["the certificate is signed with an unknown algorithm (1.2.840.113549.1.1.127)"],
        ),
    ],
    ids=["SHA-256", "SHA-384", "SHA-1", "MD5", "SHA-224", "unknown"],
)
def test_weak_hashes_are_found(
    algorithm: bytes, sentences: list[str], rsa_key: rsa.RSAPrivateKey
) -> None:
    leaf = signed_with(algorithm, Made().certificate(rsa_key))
    findings = check_certificates(leaf, (), NOW)
    assert [each.sentence for each in findings] == sentences
    assert {(each.code, each.severity) for each in findings} <= {("weak-hash", Severity.ERROR)}


@pytest.mark.parametrize(("bits", "codes"), [(1024, ["weak-key"]), (2048, [])])
def test_a_short_rsa_key_is_found(bits: int, codes: list[str], rsa_key: rsa.RSAPrivateKey) -> None:
    # Made for this test; nothing is protected by it.
    key = rsa_key if bits == rsa_key.key_size else rsa.generate_private_key(65537, bits)
    findings = check_certificates(Made().certificate(key=key), (), NOW)
    assert [each.code for each in findings] == codes


def test_a_certificate_of_version_1_is_found(openssl: Openssl, tmp_path: Path) -> None:
    key, request, out = (tmp_path / name for name in ("key", "request", "certificate"))
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-out", key).check_returncode()
    openssl("req", "-new", "-key", key, "-subj", "/CN=x", "-out", request).check_returncode()
    openssl("x509", "-req", "-in", request, "-signkey", key, "-out", out).check_returncode()
    leaf = x509.load_pem_x509_certificate(out.read_bytes())
    findings = check_certificates(leaf, (), leaf.not_valid_before_utc)
    assert [each.code for each in findings] == ["version", "self-signed", "key-usage"]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize(
    ("number", "codes"), [(0, ["serial-number"]), (-1, ["serial-number"]), (5, [])]
)
def test_a_serial_number_that_nobody_should_issue_is_found(number: int, codes: list[str]) -> None:
    der = Made(serial_number=1).certificate().public_bytes(Encoding.DER)
    before, after = (b"\x02\x01\x02\x02\x01" + (each & 0xFF).to_bytes() for each in (1, number))
    assert der.count(before) == 1
    leaf = x509.load_der_x509_certificate(der.replace(before, after))
    assert [each.code for each in check_certificates(leaf, (), NOW)] == codes


@pytest.mark.parametrize(("size", "codes"), [(16384, []), (16385, ["certificate-size"])])
def test_a_certificate_that_is_too_large_is_found(
    size: int, codes: list[str], rsa_key: rsa.RSAPrivateKey
) -> None:
    """RSA's signatures are all of one length, and a mail address becomes no session tag."""

    def of(length: int) -> x509.Certificate:
        return Made(names=[x509.RFC822Name("a" * length)]).certificate(rsa_key)

    leaf = of(10_000 + size - len(of(10_000).public_bytes(Encoding.DER)))
    assert len(leaf.public_bytes(Encoding.DER)) == size
    assert [each.code for each in check_certificates(leaf, (), NOW)] == codes


def test_what_ends_a_session_is_an_error_and_what_may_end_one_a_warning() -> None:
    expired, soon = Made(ends=NOW - DAY / 2), Made(ends=NOW + DAY / 10)
    assert [each.severity for each in _findings(expired)] == [Severity.ERROR]
    assert [each.severity for each in _findings(soon)] == [Severity.WARNING]


def test_how_soon_is_soon_is_up_to_the_caller() -> None:
    leaf = Made(starts=NOW - 90 * DAY).certificate()
    for soon, codes in ((29 * DAY, []), (31 * DAY, ["expires-soon"])):
        findings = check_certificates(leaf, (), NOW, soon=soon)
        assert [each.code for each in findings] == codes


def test_every_finding_says_what_is_wrong_and_what_to_do() -> None:
    expired, clock = _findings(Made(ends=NOW - DAY / 2)), _findings(Made(starts=NOW + DAY))
    assert [(each.sentence, each.hint) for each in expired + clock] == [
        ("the certificate expired at 2026-03-01 00:00:00Z", "renew it"),
        (
            "the certificate is not valid before 2026-03-02 12:00:00Z",
            "wait, or correct this machine's clock (it says 2026-03-01 12:00:00Z)",
        ),
    ]


def _identity(left_out: int = 0, *, unused: bool = False) -> Identity:
    others = tuple(Made(name=f"Other {number}").certificate() for number in range(left_out))
    return Identity(Made().certificate(), (), SoftwareKey(KEY), others, unused)


@pytest.mark.parametrize(
    ("left_out", "names"),
    [
        (0, None),
        (1, "CN=Other 0"),
        (3, "CN=Other 0; CN=Other 1; CN=Other 2"),
        (100, "CN=Other 0; CN=Other 1; CN=Other 2 and 97 more"),
    ],
)
def test_certificates_that_are_left_out_are_named(left_out: int, names: str | None) -> None:
    findings = check_identity(_identity(left_out), NOW)
    assert [(each.code, each.sentence) for each in findings] == (
        [("left-out", f"certificates that issued nothing on the path are left out: {names}")]
        if names
        else []
    )


def test_where_the_path_ends_is_said_with_what_is_left_out() -> None:
    (finding,) = check_identity(_identity(1), NOW)
    assert finding.hint == (
        "remove them; if CN=CA is not the trust anchor's CA, its certificate is what is missing"
    )


@pytest.mark.parametrize(("unused", "codes"), [(True, ["password-unused"]), (False, [])])
def test_a_password_without_an_encrypted_key_is_found(unused: bool, codes: list[str]) -> None:
    assert [each.code for each in check_identity(_identity(unused=unused), NOW)] == codes


def test_a_key_of_an_unknown_kind_is_no_weak_one() -> None:
    p256, prime239v3 = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030106")
    der = Made().certificate(key=ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER)
    odd = x509.load_der_x509_certificate(der.replace(p256, prime239v3))
    assert check_certificates(odd, (), NOW) == []
