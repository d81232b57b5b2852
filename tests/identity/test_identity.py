"""An identity: what the signer gets of it, and what never leaves it."""

import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sidecar.ca import Authority, KeyKind, PrivateKey
from sidecar.identity.identity import Identity, same_key
from sidecar.identity.signing_key import MLDSA_PUBLIC, SoftwareKey
from sidecar.signing.x509 import Algorithm
from tests.identity.material import CLASSIC, KINDS, ML_DSA, private_key
from tests.identity.verdict import MESSAGE, Openssl, openssl_verifies


@pytest.fixture
def identity(workload: tuple[x509.Certificate, PrivateKey], intermediate: Authority) -> Identity:
    return Identity(workload[0], (intermediate.certificate,), SoftwareKey(workload[1]))


def test_the_signer_gets_certificate_chain_and_serial_number(identity: Identity) -> None:
    key = identity.certified_key()
    leaf, issuer = (
        x509.load_der_x509_certificate(base64.b64decode(each, validate=True))
        for each in (key.certificate, *key.chain)
    )
    assert (leaf, (issuer,)) == (identity.certificate, identity.chain)
    assert key.serial_number == identity.certificate.serial_number


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_the_algorithm_follows_the_key(kind: KeyKind, identity: Identity) -> None:
    key = SoftwareKey(private_key(kind))
    expected = Algorithm.MLDSA if kind in ML_DSA else Algorithm.ECDSA
    if kind is KeyKind.RSA_2048:
        expected = Algorithm.RSA
    assert Identity(identity.certificate, (), key).certified_key().algorithm is expected


def test_a_key_signs_as_its_algorithm_demands(openssl: Openssl, tmp_path: Path) -> None:
    for kind in CLASSIC:
        key = SoftwareKey(private_key(kind))
        assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))
        assert not openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE + b"x"))


@pytest.mark.parametrize("kind", ML_DSA, ids=lambda kind: kind.value)
def test_an_mldsa_key_signs_the_message_itself_without_context(kind: KeyKind) -> None:
    key = SoftwareKey(private_key(kind))
    public = key.public_key
    assert isinstance(public, MLDSA_PUBLIC)
    public.verify(key.sign(MESSAGE), MESSAGE)
    with pytest.raises(InvalidSignature):
        public.verify(key.sign(MESSAGE), MESSAGE + b"x")


def test_a_key_in_memory_does_not_show_itself() -> None:
    assert "SoftwareKey object" in repr(SoftwareKey(private_key(KeyKind.EC_P256)))


def test_a_repr_names_the_subject_and_shows_no_key(identity: Identity) -> None:
    assert repr(identity) == "Identity('CN=billing,OU=Payments,O=Example')"


def test_a_certificate_belongs_to_its_key_and_to_no_other(identity: Identity) -> None:
    assert same_key(identity.certificate, identity.key.public_key)
    assert not same_key(identity.certificate, ec.generate_private_key(ec.SECP256R1()).public_key())


def test_a_certificate_with_a_key_of_an_unknown_curve_belongs_to_no_key(
    identity: Identity,
) -> None:
    p256, prime239v3 = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030106")
    der = identity.certificate.public_bytes(serialization.Encoding.DER)
    odd = x509.load_der_x509_certificate(der.replace(p256, prime239v3))
    assert not same_key(odd, identity.key.public_key)
