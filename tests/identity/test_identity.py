"""An identity: what the signer gets of it, and what never leaves it."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sidecar.ca import Authority, PrivateKey
from sidecar.identity.identity import Identity, same_key
from sidecar.signing.x509 import Algorithm


@pytest.fixture
def identity(workload: tuple[x509.Certificate, PrivateKey], intermediate: Authority) -> Identity:
    return Identity(workload[0], (intermediate.certificate,), workload[1])


def test_the_signer_gets_certificate_chain_and_serial_number(identity: Identity) -> None:
    key = identity.certified_key()
    leaf, issuer = (
        x509.load_der_x509_certificate(base64.b64decode(each, validate=True))
        for each in (key.certificate, *key.chain)
    )
    assert (leaf, (issuer,)) == (identity.certificate, identity.chain)
    assert key.serial_number == identity.certificate.serial_number


@pytest.mark.parametrize("kind", [Algorithm.RSA, Algorithm.ECDSA])
def test_the_algorithm_follows_the_key(
    kind: Algorithm, identity: Identity, rsa_key: rsa.RSAPrivateKey
) -> None:
    key = rsa_key if kind is Algorithm.RSA else identity.key
    assert Identity(identity.certificate, (), key).certified_key().algorithm is kind


def test_a_repr_names_the_subject_and_shows_no_key(identity: Identity) -> None:
    assert repr(identity) == "Identity('CN=billing,OU=Payments,O=Example')"


def test_a_certificate_belongs_to_its_key_and_to_no_other(identity: Identity) -> None:
    assert same_key(identity.certificate, identity.key)
    assert not same_key(identity.certificate, ec.generate_private_key(ec.SECP256R1()))


def test_a_certificate_with_a_key_of_an_unknown_curve_belongs_to_no_key(
    identity: Identity,
) -> None:
    p256, prime239v3 = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030106")
    der = identity.certificate.public_bytes(serialization.Encoding.DER)
    odd = x509.load_der_x509_certificate(der.replace(p256, prime239v3))
    assert not same_key(odd, identity.key)
