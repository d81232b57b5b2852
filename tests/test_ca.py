"""The private CA: openssl accepts what it issues, and sees in it what AWS demands."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sidecar.ca import (
    Authority,
    KeyKind,
    PrivateKey,
    Subject,
    certificate_pem,
    create_root,
    generate_key,
    issue_server,
    issue_workload,
    private_key_pem,
)

OpenSsl = Callable[..., CompletedProcess[str]]
DAY = timedelta(days=1)


@pytest.fixture
def verify(openssl: OpenSsl, tmp_path: Path, now: datetime) -> Callable[..., str]:
    """Give openssl's verdict on a path from a leaf to a root at the tests' moment."""

    def judge(root: Authority, leaf: x509.Certificate, *between: Authority) -> str:
        issuers = [each.certificate for each in between]
        for name, certificates in (("root", [root.certificate]), ("between", issuers)):
            (tmp_path / name).write_bytes(certificate_pem(*certificates))
        (tmp_path / "leaf").write_bytes(certificate_pem(leaf))
        trust = ("-CAfile", tmp_path / "root", "-attime", int(now.timestamp()), "-x509_strict")
        chain = ("-untrusted", tmp_path / "between") if between else ()
        judged = openssl("verify", *trust, *chain, tmp_path / "leaf")
        return judged.stdout.removeprefix(f"{tmp_path / 'leaf'}: ").strip() or judged.stderr

    return judge


def test_openssl_accepts_the_path_from_root_to_workload(
    verify: Callable[..., str],
    root: Authority,
    intermediate: Authority,
    workload: tuple[x509.Certificate, PrivateKey],
) -> None:
    assert verify(root, workload[0], intermediate) == "OK"


def test_openssl_refuses_the_path_without_its_intermediate(
    verify: Callable[..., str], root: Authority, workload: tuple[x509.Certificate, PrivateKey]
) -> None:
    assert "unable to get local issuer certificate" in verify(root, workload[0])


def test_openssl_refuses_a_workload_as_issuer(
    verify: Callable[..., str], root: Authority, now: datetime
) -> None:
    workload = Authority(*issue_workload(root, Subject("billing"), now=now, validity=DAY))
    forged, _ = issue_workload(workload, Subject("forged"), now=now, validity=DAY)
    assert "invalid CA certificate" in verify(root, forged, workload)


def test_openssl_refuses_a_second_level_under_an_intermediate(
    verify: Callable[..., str], root: Authority, intermediate: Authority, now: datetime
) -> None:
    below = create_root(Subject("Below"), now=now, validity=DAY)
    rogue = (
        x509.CertificateBuilder()
        .subject_name(below.certificate.subject)
        .issuer_name(intermediate.certificate.subject)
        .public_key(below.key.public_key())
        .serial_number(1)
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(intermediate.key, hashes.SHA256())
    )
    leaf, _ = issue_workload(below, Subject("leaf"), now=now, validity=DAY)
    assert "path length constraint exceeded" in verify(
        root, leaf, intermediate, Authority(rogue, below.key)
    )


@pytest.mark.parametrize(
    ("kind", "seen", "unseen"),
    [
        (
            "workload",
            [
                "CA:FALSE",
                "Digital Signature",
                "TLS Web Client Authentication",
                "sha256",
                "Version: 3",
            ],
            ["CA:TRUE", "Certificate Sign", "Key Encipherment"],
        ),
        (
            "root",
            ["CA:TRUE", "Certificate Sign, CRL Sign", "sha256"],
            ["Digital Signature", "pathlen"],
        ),
        (
            "intermediate",
            ["CA:TRUE, pathlen:0", "Certificate Sign", "sha256"],
            ["Digital Signature"],
        ),
        ("server", ["CA:FALSE", "TLS Web Server Authentication", "DNS:localhost"], ["CA:TRUE"]),
    ],
)
def test_openssl_sees_the_extensions_of_each_kind(
    kind: str,
    seen: list[str],
    unseen: list[str],
    *,
    openssl: OpenSsl,
    root: Authority,
    intermediate: Authority,
    workload: tuple[x509.Certificate, PrivateKey],
    now: datetime,
    tmp_path: Path,
) -> None:
    certificate = {
        "workload": workload[0],
        "root": root.certificate,
        "intermediate": intermediate.certificate,
        "server": issue_server(root, ["localhost", "127.0.0.1"], now=now, validity=DAY)[0],
    }[kind]
    (tmp_path / "file").write_bytes(certificate_pem(certificate))
    text = openssl("x509", "-in", tmp_path / "file", "-noout", "-text").stdout
    assert [each for each in seen if each.lower() not in text.lower()] == []
    assert [each for each in unseen if each in text] == []


def test_a_server_certificate_is_good_for_its_hosts_and_no_other(
    openssl: OpenSsl, root: Authority, now: datetime, tmp_path: Path
) -> None:
    server, _ = issue_server(root, ["localhost", "127.0.0.1"], now=now, validity=DAY)
    (tmp_path / "root").write_bytes(certificate_pem(root.certificate))
    (tmp_path / "leaf").write_bytes(certificate_pem(server))
    trust = ("verify", "-CAfile", tmp_path / "root", "-attime", int(now.timestamp()))
    hosts = (
        ("-verify_hostname", "localhost"),
        ("-verify_ip", "127.0.0.1"),
        ("-verify_hostname", "example.test"),
        ("-verify_ip", "127.0.0.2"),
    )
    codes = [openssl(*trust, *host, tmp_path / "leaf").returncode for host in hosts]
    assert [code == 0 for code in codes] == [True, True, False, False]


@pytest.mark.parametrize(
    ("kind", "bits", "curve"),
    [
        (KeyKind.RSA_2048, 2048, None),
        (KeyKind.RSA_4096, 4096, None),
        (KeyKind.EC_P256, 256, "secp256r1"),
        (KeyKind.EC_P384, 384, "secp384r1"),
        (KeyKind.EC_P521, 521, "secp521r1"),
    ],
)
def test_each_kind_of_key_is_what_its_name_says(
    kind: KeyKind, bits: int, curve: str | None
) -> None:
    key = generate_key(kind)
    assert key.key_size == bits
    assert (key.curve.name if isinstance(key, ec.EllipticCurvePrivateKey) else None) == curve


def test_validity_starts_a_little_early_for_clocks_that_lag(root: Authority, now: datetime) -> None:
    leaf, _ = issue_workload(root, Subject("billing"), now=now, validity=DAY)
    assert leaf.not_valid_before_utc == now - timedelta(minutes=5)
    assert leaf.not_valid_after_utc == now + DAY


def test_serial_numbers_and_keys_are_never_reused(root: Authority, now: datetime) -> None:
    issued = [issue_workload(root, Subject("x"), now=now, validity=DAY) for _ in range(5)]
    assert len({certificate.serial_number for certificate, _ in issued}) == 5
    assert len({private_key_pem(key) for _, key in issued}) == 5


def test_an_authority_without_a_key_identifier_can_issue_too(now: datetime) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Somebody else's")])
    key = ec.generate_private_key(ec.SECP256R1())
    plain = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    leaf, _ = issue_workload(Authority(plain, key), Subject("x"), now=now, validity=DAY)
    held = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert held == x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


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


def test_pem_is_read_back_as_it_was(
    root: Authority, intermediate: Authority, rsa_key: rsa.RSAPrivateKey
) -> None:
    both = certificate_pem(root.certificate, intermediate.certificate)
    assert x509.load_pem_x509_certificates(both) == [root.certificate, intermediate.certificate]
    for key in (root.key, rsa_key):
        pem = private_key_pem(key)
        assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
        again = serialization.load_pem_private_key(pem, None)
        assert again.public_key() == key.public_key()
