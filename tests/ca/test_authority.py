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
    create_intermediate,
    create_root,
    issue_server,
    issue_workload,
    private_key_pem,
)
from sidecar.ca.authority import check_may_issue, check_may_issue_authority
from sidecar.errors import IdentityError

OpenSsl = Callable[..., CompletedProcess[str]]
DAY = timedelta(days=1)


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


@pytest.mark.parametrize("kind", [each for each in KeyKind if each is not KeyKind.RSA_4096])
def test_every_kind_of_key_signs_at_every_level(kind: KeyKind, now: datetime) -> None:
    root = create_root(Subject("Root"), now=now, validity=3 * DAY, kind=kind)
    middle = create_intermediate(root, Subject("Middle"), now=now, validity=2 * DAY, kind=kind)
    leaf, key = issue_workload(middle, Subject("leaf"), now=now, validity=DAY, kind=kind)
    leaf.verify_directly_issued_by(middle.certificate)
    middle.certificate.verify_directly_issued_by(root.certificate)
    root.certificate.verify_directly_issued_by(root.certificate)
    assert leaf.public_key() == key.public_key()


def test_a_deeper_chain_is_accepted_and_sent_without_its_root(
    verify: Callable[..., str], root: Authority, now: datetime
) -> None:
    upper = create_intermediate(root, Subject("Upper"), now=now, validity=9 * DAY, path_length=1)
    lower = create_intermediate(upper, Subject("Lower"), now=now, validity=9 * DAY)
    leaf, _ = issue_workload(lower, Subject("leaf"), now=now, validity=DAY)
    assert lower.intermediates == (lower.certificate, upper.certificate)
    assert root.intermediates == ()
    assert verify(root, leaf, lower, upper) == "OK"


@pytest.mark.parametrize(
    ("allowed", "asked", "hint"),
    [
        (None, 4, None),
        (1, 0, None),
        (1, 1, "ask for --path-length 0 or less"),
        (0, 0, "choose an --issuer that may have authorities under it, such as the root"),
    ],
)
def test_an_authority_stands_only_where_the_path_length_above_lets_it(
    allowed: int | None, asked: int, hint: str | None, now: datetime
) -> None:
    above = create_root(Subject("Above"), now=now, validity=DAY, path_length=allowed)
    if hint is None:
        check_may_issue_authority(above, asked)
        return
    with pytest.raises(IdentityError) as caught:
        check_may_issue_authority(above, asked)
    assert str(caught.value).startswith(f"CN=Above has path length {allowed}: ")
    assert caught.value.hint == hint


def test_openssl_too_refuses_what_the_path_length_forbids(
    verify: Callable[..., str], now: datetime
) -> None:
    root = create_root(Subject("Root"), now=now, validity=9 * DAY, path_length=0)
    middle = create_intermediate(root, Subject("Middle"), now=now, validity=9 * DAY)
    leaf, _ = issue_workload(middle, Subject("leaf"), now=now, validity=DAY)
    assert "path length constraint exceeded" in verify(root, leaf, middle)


def test_nothing_may_outlive_an_intermediate_further_up(root: Authority, now: datetime) -> None:
    upper = create_intermediate(root, Subject("Upper"), now=now, validity=DAY, path_length=1)
    lower = create_intermediate(upper, Subject("Lower"), now=now, validity=9 * DAY)
    name = Subject("leaf").name()
    check_may_issue(lower, name, now=now, until=now + DAY)
    with pytest.raises(IdentityError, match="CN=Upper expires at"):
        check_may_issue(lower, name, now=now, until=now + 2 * DAY)


def test_nothing_is_named_like_its_issuer(root: Authority, now: datetime) -> None:
    with pytest.raises(IdentityError, match="CN=Test root is the authority's own name"):
        check_may_issue(root, root.certificate.subject, now=now, until=now + DAY)
