"""Signing requests that openssl made: what is granted of them, and which are refused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa

from sidecar.ca import Authority, Subject, certify_workload
from sidecar.ca.request import read_request
from sidecar.ca.subject import alternative_names

OpenSsl = Callable[..., CompletedProcess[str]]
MakeCsr = Callable[..., bytes]
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "key",
    [
        ("rsa:2048",),
        ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        ("ec", "-pkeyopt", "ec_paramgen_curve:P-521"),
    ],
    ids=["rsa", "p256", "p521"],
)
def test_a_request_becomes_a_certificate_for_its_key(
    key: tuple[str, ...],
    *,
    make_csr: MakeCsr,
    verify: Callable[..., str],
    root: Authority,
    now: datetime,
    tmp_path: Path,
) -> None:
    request = read_request(make_csr(key=key))
    certificate = certify_workload(root, request.workload(), now=now, validity=DAY)
    held = serialization.load_pem_private_key((tmp_path / "request.key").read_bytes(), None)
    assert certificate.public_key() == held.public_key()
    assert certificate.subject.rfc4514_string() == "CN=billing,O=Example"
    assert verify(root, certificate) == "OK"


def test_a_request_for_an_ml_dsa_key_is_granted_too() -> None:
    key = mldsa.MLDSA44PrivateKey.generate()
    builder = x509.CertificateSigningRequestBuilder().subject_name(Subject("billing").name())
    pem = builder.sign(key, None).public_bytes(serialization.Encoding.PEM)
    assert read_request(pem).workload().public_key == key.public_key()


def test_dns_names_and_uris_are_granted_and_all_else_is_left_out(make_csr: MakeCsr) -> None:
    request = read_request(
        make_csr(
            "/CN=billing",
            "subjectAltName=DNS:a.example.com,IP:192.0.2.1,URI:spiffe://x/y,email:a@example.com",
            "basicConstraints=critical,CA:false",
            "keyUsage=digitalSignature,keyEncipherment",
            "extendedKeyUsage=serverAuth",
            "certificatePolicies=1.2.3.4",
        )
    )
    assert request.workload().alternative_names == alternative_names(
        ["a.example.com"], ["spiffe://x/y"]
    )
    assert request.left_out == (
        "alternative name of kind IPAddress",
        "alternative name of kind RFC822Name",
        "extension 2.5.29.32",
    )


def test_the_certificate_has_the_usages_of_every_workload_whatever_was_asked(
    make_csr: MakeCsr, root: Authority, now: datetime
) -> None:
    asked = make_csr("/CN=x", "keyUsage=keyEncipherment", "extendedKeyUsage=serverAuth")
    certificate = certify_workload(root, read_request(asked).workload(), now=now, validity=DAY)
    plain = read_request(make_csr("/CN=x")).workload()
    other = certify_workload(root, plain, now=now, validity=DAY)
    kinds = (x509.KeyUsage, x509.ExtendedKeyUsage, x509.BasicConstraints)
    for kind in kinds:
        held = [
            each.extensions.get_extension_for_class(kind).value for each in (certificate, other)
        ]
        assert held[0] == held[1]


def test_what_the_operator_gives_wins_as_a_whole(make_csr: MakeCsr) -> None:
    request = read_request(make_csr("/O=Evil/OU=Admins/CN=root", "subjectAltName=DNS:evil.example"))
    names = alternative_names([], ["urn:billing"])
    workload = request.workload(Subject("billing").name(), names)
    assert workload.subject.rfc4514_string() == "CN=billing"
    assert workload.alternative_names == names


@pytest.mark.parametrize(
    ("subject", "said"),
    [("/", "one common name (it has 0)"), ("/CN=a/CN=b", "one common name (it has 2)")],
)
def test_a_subject_that_is_of_no_use_must_be_replaced(
    subject: str, said: str, make_csr: MakeCsr
) -> None:
    request = read_request(make_csr(subject))
    with pytest.raises(ValueError) as caught:
        request.workload()
    assert said in str(caught.value)
    assert request.workload(Subject("billing").name()).subject == Subject("billing").name()


@pytest.mark.parametrize(
    ("extension", "said"),
    [
        ("basicConstraints=CA:true", "it asks to be a certificate authority (CA:true)"),
        ("keyUsage=keyCertSign", "it asks for a certificate authority's key usage"),
        ("keyUsage=digitalSignature,cRLSign", "it asks for a certificate authority's key usage"),
    ],
)
def test_whoever_asks_to_be_an_authority_gets_nothing(
    extension: str, said: str, make_csr: MakeCsr
) -> None:
    with pytest.raises(ValueError) as caught:
        read_request(make_csr("/CN=x", extension))
    assert str(caught.value) == said


def test_a_weak_key_is_refused(make_csr: MakeCsr) -> None:
    with pytest.raises(ValueError, match="an RSA key must have 2048 to 8192 bits"):
        read_request(make_csr(key=("rsa:1024",)))


def test_a_request_that_its_own_key_did_not_sign_is_refused(make_csr: MakeCsr) -> None:
    one, other = (x509.load_pem_x509_csr(make_csr(f"/CN={name}")) for name in ("one", "two"))
    body, signature = other.tbs_certrequest_bytes, one.signature
    assert len(body) == len(one.tbs_certrequest_bytes)
    forged = one.public_bytes(serialization.Encoding.DER).replace(one.tbs_certrequest_bytes, body)
    assert signature in forged
    pem = x509.load_der_x509_csr(forged).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(ValueError, match="its signature was not made by its own key"):
        read_request(pem)


def _with_extension_twice() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.45"), b"\x05\x00")
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.46"), b"\x05\x00")
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(Subject("x").name())
        .add_extension(usage, critical=False)
        .add_extension(other, critical=False)
        .sign(key, hashes.SHA256())
    )
    der = request.public_bytes(serialization.Encoding.DER).replace(b"\x2a\x03\x2e", b"\x2a\x03\x2d")
    return x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (b"", "MalformedFraming"),
        (b"no PEM", "MalformedFraming"),
        (b"-----BEGIN X-----\nAAAA\n-----END X-----", "Are you sure this is a CSR?"),
        (
            b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
            "error parsing asn1 value: ParseError { kind: UnexpectedTag",
        ),
    ],
)
def test_what_is_no_request_is_refused_and_the_parser_s_reason_told(pem: bytes, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_request(pem)
    refusal = "it is not a PEM certificate signing request that can be read ("
    assert str(caught.value).startswith(f"{refusal}{why}")


def test_a_request_that_names_an_extension_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="it is not a PEM certificate signing request"):
        read_request(_with_extension_twice())
