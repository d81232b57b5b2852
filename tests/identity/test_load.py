"""Identities from files: the leaf found by its key, issuers in order, the root dropped."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtensionOID

from sidecar.ca import (
    Authority,
    PrivateKey,
    Subject,
    Workload,
    certificate_pem,
    certify_workload,
    create_intermediate,
    create_root,
    issue_workload,
    private_key_pem,
)
from sidecar.errors import IdentityError
from sidecar.identity.identity import Identity
from sidecar.identity.load import load_certificates, load_identity
from sidecar.identity.places import IdentityPlaces
from tests.identity.hand_made import oid, pem_block
from tests.identity.material import Storage, key_pem

Leaf = tuple[x509.Certificate, PrivateKey]


def _load(certificate: Path, key: Path | None = None, chain: Path | None = None) -> Identity:
    private_key = None if key is None else str(key)
    return load_identity(
        IdentityPlaces(certificate=str(certificate), private_key=private_key, chain=chain)
    )


def test_leaf_and_key_in_two_files_are_an_identity(
    certificate_file: Path, key_file: Path, workload: Leaf
) -> None:
    identity = _load(certificate_file, key_file)
    assert (identity.certificate, identity.chain) == (workload[0], ())
    assert identity.key.public_key == workload[1].public_key()


@pytest.mark.parametrize("key_first", [True, False])
def test_certificate_and_key_may_share_one_file(
    key_first: bool, tmp_path: Path, workload: Leaf
) -> None:
    parts = [private_key_pem(workload[1]), certificate_pem(workload[0])]
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(parts if key_first else reversed(parts)))
    assert _load(both).certificate == workload[0]


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
    identity = _load(certificate_file, key_file)
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

    identity = _load(certificate, key, chain if separate else None)

    assert identity.chain == (lower.certificate, upper.certificate)
    assert identity.left_out == (unrelated.certificate,)


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
    assert _load(certificate_file, key_file).chain == (renewed,)


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
    assert list(_load(tmp_path / "leaf.pem", tmp_path / "leaf.key").chain) == crossed


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


def test_of_a_leaf_before_and_after_its_renewal_the_longest_valid_is_used(
    certificate_file: Path, key_file: Path, workload: Leaf, intermediate: Authority, now: datetime
) -> None:
    renewal = Workload(workload[0].subject, workload[1].public_key())
    renewed = certify_workload(intermediate, renewal, now=now, validity=timedelta(days=90))
    certificate_file.write_bytes(certificate_pem(workload[0], renewed))
    identity = _load(certificate_file, key_file)
    assert (identity.certificate, identity.left_out) == (renewed, (workload[0],))


def test_a_root_that_issued_the_path_is_dropped_without_a_word(
    certificate_file: Path, key_file: Path, workload: Leaf, intermediate: Authority, root: Authority
) -> None:
    bundle = certificate_pem(workload[0], intermediate.certificate, root.certificate)
    certificate_file.write_bytes(bundle)
    assert _load(certificate_file, key_file).left_out == ()


def test_issuers_beside_the_key_are_found(
    certificate_file: Path, key_file: Path, intermediate: Authority
) -> None:
    key_file.write_bytes(certificate_pem(intermediate.certificate) + key_file.read_bytes())
    assert _load(certificate_file, key_file).chain == (intermediate.certificate,)


def test_certificates_are_read_without_a_key_in_the_order_of_their_file(
    certificate_file: Path, workload: Leaf, root: Authority
) -> None:
    certificate_file.write_bytes(certificate_pem(root.certificate, workload[0]))
    places = IdentityPlaces(certificate=str(certificate_file), private_key="nowhere")
    assert list(load_certificates(places)) == [root.certificate, workload[0]]


def test_a_certificate_may_be_der(certificate_file: Path, key_file: Path, workload: Leaf) -> None:
    certificate_file.write_bytes(workload[0].public_bytes(serialization.Encoding.DER))
    assert _load(certificate_file, key_file).certificate == workload[0]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda pem: pem.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda pem: b"Bag Attributes\n  friendlyName: x\n" + pem, id="comments"),
        pytest.param(lambda pem: b"\xef\xbb\xbf" + pem, id="byte order mark"),
        pytest.param(lambda pem: pem + b"\n\n\n", id="empty lines at the end"),
        pytest.param(lambda pem: pem.rstrip(), id="no newline at the end"),
        pytest.param(lambda pem: pem.replace(b"\n", b"  \n"), id="blanks at the ends of lines"),
    ],
)
def test_what_editors_and_tools_do_to_pem_does_no_harm(
    damage: Callable[[bytes], bytes], certificate_file: Path, key_file: Path, workload: Leaf
) -> None:
    for path in (certificate_file, key_file):
        path.write_bytes(damage(path.read_bytes()))
    assert _load(certificate_file, key_file).certificate == workload[0]


def test_parameters_before_an_ec_key_are_passed_over(
    certificate_file: Path, key_file: Path, workload: Leaf
) -> None:
    named_curve = pem_block("EC PARAMETERS", oid("1.2.840.10045.3.1.7"))
    key_file.write_bytes(named_curve + key_pem(workload[1], Storage.TRADITIONAL))
    assert _load(certificate_file, key_file).certificate == workload[0]


def test_each_file_is_read_once(
    certificate_file: Path,
    key_file: Path,
    intermediate: Authority,
    opened: Callable[[], list[str]],
    tmp_path: Path,
) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(certificate_pem(intermediate.certificate))
    before = len(opened())
    _load(certificate_file, key_file, chain)
    files = [each for each in opened()[before:] if each.startswith(str(tmp_path))]
    assert sorted(files) == sorted(map(str, (certificate_file, key_file, chain)))


def test_a_file_for_everything_is_read_once_so_that_its_parts_are_of_one_moment(
    certificate_file: Path,
    key_file: Path,
    opened: Callable[[], list[str]],
) -> None:
    certificate_file.write_bytes(certificate_file.read_bytes() + key_file.read_bytes())
    before = len(opened())
    _load(certificate_file, None, certificate_file)
    assert opened()[before:].count(str(certificate_file)) == 1


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
    with pytest.raises(
        IdentityError, match=r"malformed\.pem holds a malformed certificate$"
    ) as caught:
        _load(path, key_file)
    assert caught.value.hint == "have it issued anew"
