"""Where aws_signing_helper gives up on keys and certificates, as its users met it up to 1.8.0."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509

from sidecar.ca import KeyKind, Subject, certificate_pem, create_root, private_key_pem
from sidecar.errors import IdentityError
from sidecar.identity.checks import check_identity
from sidecar.identity.identity import Identity
from sidecar.identity.load import load_identity
from sidecar.identity.password import PasswordFile, PasswordVariable
from sidecar.identity.places import IdentityPlaces
from sidecar.signing.x509 import Algorithm
from tests.identity.hand_made import pem_block, tlv
from tests.identity.material import (
    PASSWORD,
    ChainForm,
    Material,
    Storage,
    make_material,
    private_key,
)

Make = Callable[..., Material]
EC: Final = KeyKind.EC_P256


@pytest.fixture
def make(tmp_path: Path, now: datetime) -> Make:
    def made(
        kind: KeyKind = EC, storage: Storage = Storage.PKCS8, chain: ChainForm = ChainForm.FULL
    ) -> Material:
        return make_material(tmp_path, kind, storage, chain, now)

    return made


def _is(identity: Identity, material: Material) -> bool:
    return (identity.certificate, identity.chain) == (material.leaf, material.chain)


def test_it_reads_only_the_first_certificate_of_a_full_chain_file(make: Make) -> None:
    material = make(chain=ChainForm.FULL)
    assert material.places.chain is None
    assert len(load_identity(material.places).certified_key().chain) == 2


def test_it_takes_the_first_certificate_of_a_file_for_the_leaf(make: Make) -> None:
    material = make(chain=ChainForm.SHUFFLED)
    first = Path(material.places.certificate).read_bytes()
    assert x509.load_pem_x509_certificate(first) != material.leaf
    assert load_identity(material.places).certificate == material.leaf


def test_it_sends_intermediates_in_the_order_of_the_file_and_the_root_too(make: Make) -> None:
    material = make(chain=ChainForm.SEPARATE)
    chain = material.places.chain
    assert chain is not None
    chain.write_bytes(certificate_pem(material.root, *reversed(material.chain), material.leaf))
    assert _is(load_identity(material.places), material)


def test_it_refuses_a_chain_file_with_anything_but_certificates_in_it(make: Make) -> None:
    material = make(chain=ChainForm.SEPARATE)
    chain = material.places.chain
    assert chain is not None
    chain.write_bytes(pem_block("X509 CRL", tlv(0x30)) + chain.read_bytes())
    assert _is(load_identity(material.places), material)


def test_it_sends_the_leaf_among_the_intermediates_of_pkcs12(make: Make) -> None:
    material = make(storage=Storage.PKCS12, chain=ChainForm.FULL)
    assert material.leaf not in load_identity(material.places).chain


def test_it_opens_pkcs12_only_without_a_password_and_as_of_old(make: Make) -> None:
    material = make(storage=Storage.PKCS12_LOCKED)
    assert _is(load_identity(material.places), material)


def test_it_refuses_intermediates_beside_pkcs12(make: Make) -> None:
    material = make(storage=Storage.PKCS12, chain=ChainForm.SEPARATE)
    assert _is(load_identity(material.places), material)


def test_it_takes_any_certificate_of_pkcs12_that_issued_none_for_the_leaf(
    make: Make, now: datetime
) -> None:
    material = make(storage=Storage.PKCS12, chain=ChainForm.NONE)
    stranger = create_root(Subject("Stranger"), now=now, validity=timedelta(days=1)).certificate
    chain = Path(material.places.certificate).with_name("chain.pem")
    chain.write_bytes(certificate_pem(stranger))
    identity = load_identity(replace(material.places, chain=chain))
    assert (identity.certificate, identity.left_out) == (material.leaf, (stranger,))


@pytest.mark.parametrize(
    ("kind", "storage"),
    [
        (EC, Storage.TRADITIONAL_LOCKED),
        (KeyKind.RSA_2048, Storage.TRADITIONAL_LOCKED),
        (KeyKind.ML_DSA_65, Storage.PKCS8),
        (KeyKind.ML_DSA_65, Storage.PKCS8_SCRYPT),
    ],
    ids=["SEC1 with Proc-Type", "PKCS#1 with Proc-Type", "ML-DSA's seed", "ML-DSA's seed, locked"],
)
def test_it_cannot_read_keys_of_this_form(kind: KeyKind, storage: Storage, make: Make) -> None:
    material = make(kind, storage)
    assert load_identity(material.places).key.public_key == material.key.public_key()


def test_it_takes_passwords_only_where_every_user_can_see_them(make: Make, tmp_path: Path) -> None:
    """From the command line, that is, or from somebody who sits at the terminal."""
    material = make(storage=Storage.PKCS8_PBKDF2)
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    for password in (PasswordFile(secret), PasswordVariable("P", {"P": PASSWORD})):
        assert _is(load_identity(replace(material.places, password=password)), material)


def test_it_signs_with_a_key_that_is_not_the_certificates(make: Make, tmp_path: Path) -> None:
    material = make()
    other = tmp_path / "other.key"
    other.write_bytes(private_key_pem(private_key(KeyKind.EC_P384)))
    with pytest.raises(IdentityError, match="does not belong to certificate"):
        load_identity(replace(material.places, private_key=str(other)))


def test_it_does_not_look_at_the_certificates_validity(make: Make, now: datetime) -> None:
    identity = load_identity(make().places)
    after = now + timedelta(days=31)
    assert [each.code for each in check_identity(identity, after)] == ["expired"]
    assert check_identity(identity, now) == []


def test_it_signs_with_the_algorithm_of_the_key_that_it_started_with(make: Make) -> None:
    algorithms = []
    for kind in (KeyKind.RSA_2048, EC, KeyKind.ML_DSA_44):
        places: IdentityPlaces = make(kind).places
        algorithms.append(load_identity(places).certified_key().algorithm)
    assert algorithms == [Algorithm.RSA, Algorithm.ECDSA, Algorithm.MLDSA]


def test_it_reads_key_and_certificate_of_one_file_at_different_moments(
    make: Make, opened: Callable[[], list[str]]
) -> None:
    places = make(storage=Storage.ONE_FILE).places
    before = len(opened())
    load_identity(places)
    assert opened()[before:].count(places.certificate) == 1
