"""Keys: each kind is what its name says, and weak or strange ones are not certified."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, mldsa, rsa

from sidecar.ca import KeyKind, generate_key
from sidecar.ca.keys import checked_key, key_name, kind_of


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
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    assert key.key_size == bits
    assert (key.curve.name if isinstance(key, ec.EllipticCurvePrivateKey) else None) == curve


@pytest.mark.parametrize(
    ("kind", "key_class"),
    [
        (KeyKind.ML_DSA_44, mldsa.MLDSA44PrivateKey),
        (KeyKind.ML_DSA_65, mldsa.MLDSA65PrivateKey),
        (KeyKind.ML_DSA_87, mldsa.MLDSA87PrivateKey),
    ],
)
def test_each_size_of_ml_dsa_is_what_its_name_says(kind: KeyKind, key_class: type) -> None:
    assert isinstance(generate_key(kind), key_class)


@pytest.mark.parametrize("kind", KeyKind)
def test_the_kind_of_a_key_that_was_made_here_is_known_again(kind: KeyKind) -> None:
    public = generate_key(kind).public_key()
    assert kind_of(public) is kind
    assert checked_key(public) is public


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), "RSA 2048"),
        (lambda: rsa.generate_private_key(65537, 3072), "RSA 3072"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "EC P-384"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "EC secp256k1"),
        (mldsa.MLDSA65PrivateKey.generate, "ML-DSA-65"),
        (ed25519.Ed25519PrivateKey.generate, "Ed25519"),
    ],
    ids=["rsa2048", "rsa3072", "p384", "k256", "mldsa65", "ed25519"],
)
def test_every_key_has_a_name_for_people(make: Callable[[], Any], name: str) -> None:
    assert key_name(make().public_key()) == name


def _public_rsa(bits: int, exponent: int) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, (1 << (bits - 1)) | 1).public_key()


@pytest.mark.parametrize("bits", [2048, 3072, 8192])
def test_an_rsa_key_of_good_size_is_accepted(bits: int) -> None:
    assert checked_key(_public_rsa(bits, 65537)).key_size == bits  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (_public_rsa(1024, 65537), "an RSA key must have 2048 to 8192 bits (got 1024)"),
        (_public_rsa(2047, 65537), "an RSA key must have 2048 to 8192 bits (got 2047)"),
        (_public_rsa(8193, 65537), "an RSA key must have 2048 to 8192 bits (got 8193)"),
        (_public_rsa(2048, 3), "an RSA key's exponent must be 65537 or more"),
        (ec.generate_private_key(ec.SECP256K1()).public_key(), "(got EC secp256k1)"),
        (ed25519.Ed25519PrivateKey.generate().public_key(), "(got Ed25519)"),
        (dsa.generate_private_key(2048).public_key(), "(got DSA)"),
    ],
    ids=["1024", "2047", "8193", "exponent 3", "k256", "ed25519", "dsa"],
)
def test_a_weak_or_strange_key_is_not_certified(key: object, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        checked_key(key)
    assert str(caught.value).endswith(said)
