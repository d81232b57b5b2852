"""Identities from PEM files: found by key, ordered by issuer, root left out."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID

from sidecar.ca import (
    Authority,
    PrivateKey,
    Subject,
    certificate_pem,
    create_intermediate,
    create_root,
    issue_workload,
    private_key_pem,
)
from sidecar.errors import IdentityError
from sidecar.identity.pem import load_identity
from sidecar.redaction import Secret

Leaf = tuple[x509.Certificate, PrivateKey]


def _encoded(
    key: PrivateKey,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    password: str = "",
) -> bytes:
    encryption = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def test_leaf_and_key_in_two_files_are_an_identity(
    certificate_file: Path, key_file: Path, workload: Leaf
) -> None:
    identity = load_identity(certificate_file, key_file)
    assert (identity.certificate, identity.chain) == (workload[0], ())
    assert identity.key.private_numbers() == workload[1].private_numbers()


@pytest.mark.parametrize("key_first", [True, False])
def test_certificate_and_key_may_share_one_file(
    key_first: bool, tmp_path: Path, workload: Leaf
) -> None:
    parts = [private_key_pem(workload[1]), certificate_pem(workload[0])]
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(parts if key_first else reversed(parts)))
    assert load_identity(both, both).certificate == workload[0]


@pytest.mark.parametrize("leaf_at", [0, 1, 2])
def test_the_leaf_is_found_by_its_key_wherever_it_stands(
    leaf_at: int,
    certificate_file: Path,
    key_file: Path,
    workload: Leaf,
    intermediate: Authority,
    root: Authority,
) -> None:
    bundle = [intermediate.certificate, root.certificate]
    bundle.insert(leaf_at, workload[0])
    certificate_file.write_bytes(certificate_pem(*bundle))
    identity = load_identity(certificate_file, key_file)
    assert identity.certificate == workload[0]
    assert identity.chain == (intermediate.certificate,)


@pytest.mark.parametrize("separate", [True, False], ids=["chain file", "same file"])
def test_the_chain_runs_from_the_leafs_issuer_upwards_without_the_root(
    separate: bool, tmp_path: Path, root: Authority, now: datetime
) -> None:
    month = timedelta(days=30)
    unrelated = create_root(Subject("Unrelated"), now=now, validity=month)
    upper = create_intermediate(root, Subject("Upper"), now=now, validity=month)
    lower = create_intermediate(upper, Subject("Lower"), now=now, validity=month)
    leaf = create_intermediate(lower, Subject("Leaf"), now=now, validity=month)
    pool = certificate_pem(
        root.certificate, unrelated.certificate, upper.certificate, lower.certificate
    )
    certificate, chain, key = (tmp_path / name for name in ("leaf.pem", "chain.pem", "leaf.key"))
    own = certificate_pem(leaf.certificate)
    certificate.write_bytes(own if separate else pool + own)
    chain.write_bytes(own + pool)
    key.write_bytes(private_key_pem(leaf.key))

    identity = load_identity(certificate, key, chain=chain if separate else None)

    assert identity.chain == (lower.certificate, upper.certificate)


def test_of_an_issuer_before_and_after_its_renewal_the_longest_valid_is_sent(
    certificate_file: Path,
    key_file: Path,
    workload: Leaf,
    intermediate: Authority,
    root: Authority,
    now: datetime,
) -> None:
    renewed = (
        x509.CertificateBuilder()
        .subject_name(intermediate.certificate.subject)
        .issuer_name(root.certificate.subject)
        .public_key(intermediate.certificate.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1000))
        .sign(root.key, hashes.SHA256())
    )
    bundle = (workload[0], intermediate.certificate, renewed)
    certificate_file.write_bytes(certificate_pem(*bundle))
    assert load_identity(certificate_file, key_file).chain == (renewed,)


def test_authorities_that_issued_each_other_do_not_make_an_endless_chain(
    tmp_path: Path, now: datetime
) -> None:
    month = timedelta(days=30)
    one = create_root(Subject("One"), now=now, validity=month)
    two = create_root(Subject("Two"), now=now, validity=month)
    crossed = [_crossed(one, two), _crossed(two, one)]
    leaf, key = issue_workload(one, Subject("leaf"), now=now, validity=month)
    (tmp_path / "leaf.pem").write_bytes(certificate_pem(leaf, *crossed))
    (tmp_path / "leaf.key").write_bytes(private_key_pem(key))
    assert list(load_identity(tmp_path / "leaf.pem", tmp_path / "leaf.key").chain) == crossed


def _crossed(subject: Authority, issuer: Authority) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject.certificate.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(subject.key.public_key())
        .serial_number(1)
        .not_valid_before(subject.certificate.not_valid_before_utc)
        .not_valid_after(subject.certificate.not_valid_after_utc)
        .sign(issuer.key, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("form", "marker"),
    [
        (serialization.PrivateFormat.PKCS8, b"BEGIN PRIVATE KEY"),
        (serialization.PrivateFormat.TraditionalOpenSSL, b"BEGIN EC PRIVATE KEY"),
    ],
    ids=["PKCS#8", "SEC1"],
)
def test_ec_keys_are_read_in_each_form(
    form: serialization.PrivateFormat,
    marker: bytes,
    certificate_file: Path,
    key_file: Path,
    workload: Leaf,
) -> None:
    key_file.write_bytes(_encoded(workload[1], form))
    assert marker in key_file.read_bytes()
    assert load_identity(certificate_file, key_file).certificate == workload[0]


def test_rsa_keys_are_read_as_pkcs1(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> None:
    key = tmp_path / "rsa.key"
    key.write_bytes(_encoded(rsa_key, serialization.PrivateFormat.TraditionalOpenSSL))
    assert b"BEGIN RSA PRIVATE KEY" in key.read_bytes()
    vector = Path(__file__).parents[1] / "vectors/create_session_rsa/certificate.pem"
    assert load_identity(vector, key).key.private_numbers() == rsa_key.private_numbers()


def test_an_encrypted_key_is_read_with_its_password(
    certificate_file: Path, key_file: Path, workload: Leaf
) -> None:
    key_file.write_bytes(_encoded(workload[1], password="open sesame"))
    identity = load_identity(certificate_file, key_file, password=Secret("open sesame"))
    assert identity.certificate == workload[0]


def test_a_certificate_with_a_malformed_extension_is_refused_at_once(
    key_file: Path, tmp_path: Path, workload: Leaf, root: Authority
) -> None:
    garbage = x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, b"\x04\x00garbage")
    malformed = (
        x509.CertificateBuilder()
        .subject_name(workload[0].subject)
        .issuer_name(root.certificate.subject)
        .public_key(workload[1].public_key())
        .serial_number(1)
        .not_valid_before(workload[0].not_valid_before_utc)
        .not_valid_after(workload[0].not_valid_after_utc)
        .add_extension(garbage, critical=True)
        .sign(root.key, hashes.SHA256())
    )
    path = tmp_path / "malformed.pem"
    path.write_bytes(malformed.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(IdentityError, match=r"malformed\.pem is malformed") as caught:
        load_identity(path, key_file)
    assert caught.value.hint == "have it issued anew"
