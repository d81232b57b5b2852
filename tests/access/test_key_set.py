"""An issuer's keys: which may verify what, what is left out, and which documents are refused."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from sidecar.access.key_set import (
    MAX_KEY_SET_BYTES,
    OUTSIDE_ALGORITHMS,
    KeySet,
    KeySetRefused,
    UnknownKey,
    parse_key_set,
)
from sidecar.access.refused import TokenNotAccepted

if TYPE_CHECKING:
    from tests.access.conftest import Jwks, Signer

RSA = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
SMALL = "key 1 is RSA of 1024 bits; 2048 to 8192 are accepted"
NO_KIND = "key 1 is of a kind that is not used here"
NO_CURVE = "key 1 is on a curve that is not used here"
NO_KEY = "key 1 has numbers that make no key"
NO_SIGNATURES = "key 1 is not for signatures"
NO_ALGORITHM = "key 1 is for an algorithm that is not used here"
NO_KID = "key 1 has a kid that is no text of up to 256 characters"


def _document(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (ec.generate_private_key(ec.SECP256R1()), {"ES256"}),
        (ec.generate_private_key(ec.SECP384R1()), {"ES384"}),
        (ec.generate_private_key(ec.SECP521R1()), {"ES512"}),
        (ed25519.Ed25519PrivateKey.generate(), {"EdDSA"}),
    ],
    ids=lambda each: "".join(each) if isinstance(each, set) else "",
)
def test_each_kind_of_key_goes_with_its_own_algorithm_only(
    make_signer: "type[Signer]", jwks: "Jwks", key: Any, algorithms: set[str]
) -> None:
    [held] = parse_key_set(jwks(make_signer(key, ""))).keys
    assert (held.key, held.kid) == (key.public_key(), "first")
    assert set(held.algorithms) == algorithms


def test_an_rsa_key_goes_with_every_rsa_algorithm_or_the_one_that_it_names(
    signer: "Signer",
) -> None:
    [free] = parse_key_set(_document(signer.jwk)).keys
    [bound] = parse_key_set(_document({**signer.jwk, "alg": "PS384"})).keys
    assert (set(free.algorithms), set(bound.algorithms)) == (RSA, {"PS384"})


@pytest.mark.parametrize(
    ("key", "write"),
    [
        (rsa.generate_private_key(65537, 2048), RSAAlgorithm.to_jwk),
        (ec.generate_private_key(ec.SECP521R1()), ECAlgorithm.to_jwk),
        (ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm.to_jwk),
    ],
    ids=["RSA", "EC", "OKP"],
)
def test_a_key_that_a_library_wrote_is_the_same_key(key: Any, write: Any) -> None:
    [held] = parse_key_set(_document(json.loads(write(key.public_key())))).keys
    assert (held.key, held.kid) == (key.public_key(), None)


def test_no_symmetric_algorithm_is_anywhere() -> None:
    assert {*RSA, "ES256", "ES384", "ES512", "EdDSA"} == OUTSIDE_ALGORITHMS


@pytest.mark.parametrize(
    "change",
    [
        {"use": "sig"},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign", "verify"]},
        {"alg": "RS256"},
        {"x5t": "x", "x5c": ["y"], "x5u": "https://canary.example"},
        {"kid": "a" * 256},
        {"kid": None},
    ],
    ids=str,
)
def test_what_else_a_key_says_does_not_matter(signer: "Signer", change: dict[str, Any]) -> None:
    assert len(parse_key_set(_document({**signer.jwk, **change})).keys) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kty": "oct", "k": "canary"}, NO_KIND),
        ({"kty": "AKP"}, NO_KIND),
        ({"kty": None}, NO_KIND),
        ({"kty": ["RSA"]}, NO_KIND),
        ({"use": "enc"}, NO_SIGNATURES),
        ({"key_ops": ["encrypt"]}, NO_SIGNATURES),
        ({"key_ops": "verify"}, NO_SIGNATURES),
        ({"alg": "RSA-OAEP"}, NO_ALGORITHM),
        ({"alg": "HS256"}, NO_ALGORITHM),
        ({"alg": "ES256"}, NO_ALGORITHM),
        ({"kid": 5}, NO_KID),
        ({"kid": "a" * 257}, NO_KID),
        ({"n": None}, NO_KEY),
        ({"n": "canary=="}, NO_KEY),
        ({"e": "Ag"}, NO_KEY),
        ({"e": "AQ"}, NO_KEY),
        ({"e": "AQAAAAAB"}, "key 1 is RSA with an exponent that is far too large"),
        ({"kty": "EC", "crv": "secp256k1"}, NO_CURVE),
        ({"kty": "EC", "crv": ["P-256"]}, NO_CURVE),
        ({"kty": "OKP", "crv": "X25519"}, NO_CURVE),
        ({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, NO_KEY),
    ],
    ids=str,
)
def test_a_key_that_is_not_used_here_is_left_out_beside_a_good_one(
    signer: "Signer", other: "Signer", change: dict[str, Any], why: str
) -> None:
    found = parse_key_set(_document({**signer.jwk, **change}, other.jwk))
    assert [each.kid for each in found.keys] == ["second"]
    assert found.left_out == (why,)


def test_an_rsa_key_of_1024_bits_is_left_out(make_signer: "type[Signer]", other: "Signer") -> None:
    small = make_signer(rsa.generate_private_key(65537, 1024), "RS256")
    assert parse_key_set(_document(small.jwk, other.jwk)).left_out == (SMALL,)


def test_a_point_that_is_not_on_its_curve_makes_no_key(other: "Signer", signer: "Signer") -> None:
    off = {**other.jwk, "y": other.jwk["x"]}
    short = {**other.jwk, "x": other.jwk["x"][:-4]}
    for wrong in (off, short):
        assert parse_key_set(_document(wrong, signer.jwk)).left_out == (NO_KEY,)


def test_ed448_is_left_out(base64url: Callable[[bytes], str], other: "Signer") -> None:
    x = base64url(ed448.Ed448PrivateKey.generate().public_key().public_bytes_raw())
    found = parse_key_set(_document({"kty": "OKP", "crv": "Ed448", "x": x}, other.jwk))
    assert found.left_out == (NO_CURVE,)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not JSON"),
        (b"<html>", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b'{"keys":' + b"[" * 100_000, "is nested too deeply"),
        (b"{}", "is no JWKS: it has no list named keys"),
        (b'{"keys":{}}', "is no JWKS: it has no list named keys"),
        (b'{"keys":[],"keys":[]}', "has a key twice"),
        (b'{"keys":[]}', "has no key that can be used"),
        (b'{"keys":[1]}', "has no key that can be used: key 1 is no object"),
        (b'{"keys":[' + b"1," * 100 + b"1]}", "has 101 keys; up to 100 are accepted"),
        (b" " * (MAX_KEY_SET_BYTES + 1), "has more than 256 KiB"),
    ],
    ids=lambda each: str(each[:20]),
)
def test_a_document_that_is_no_key_set_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(KeySetRefused) as caught:
        parse_key_set(content)
    assert str(caught.value) == why


def test_a_document_with_a_private_key_is_refused_whole(signer: "Signer", other: "Signer") -> None:
    with pytest.raises(KeySetRefused, match=r"^has a private key, key 2: only public ones belong"):
        parse_key_set(_document(other.jwk, {**signer.jwk, "d": "canary"}))


def test_the_key_of_a_kid_is_found_and_no_other(
    signer: "Signer", other: "Signer", jwks: "Jwks"
) -> None:
    keys = parse_key_set(jwks(signer, other))
    assert keys.find("second", "ES256") == other.key.public_key()
    with pytest.raises(UnknownKey, match=r"^its kid is that of no key of its issuer$"):
        keys.find("third", "ES256")
    with pytest.raises(TokenNotAccepted, match=r"^its algorithm is not one of the key"):
        keys.find("second", "RS256")


def test_a_kid_of_two_keys_means_neither_unless_their_algorithms_differ(
    signer: "Signer", other: "Signer", make_signer: "type[Signer]"
) -> None:
    second = {**make_signer(rsa.generate_private_key(65537, 2048), "RS256").jwk}
    keys = parse_key_set(_document(signer.jwk, second, {**other.jwk, "kid": "first"}))
    assert keys.find("first", "ES256") == other.key.public_key()
    with pytest.raises(TokenNotAccepted, match=r"^its kid is that of several keys"):
        keys.find("first", "RS256")


def test_a_key_without_kid_is_for_tokens_without_kid(signer: "Signer") -> None:
    keys = parse_key_set(_document({**signer.jwk, "kid": None}))
    assert keys.find(None, "RS256") == signer.key.public_key()
    with pytest.raises(UnknownKey):
        keys.find("first", "RS256")


def test_where_there_are_no_keys_every_key_is_unknown() -> None:
    for kid in (None, "first"):
        with pytest.raises(UnknownKey):
            KeySet(()).find(kid, "RS256")


MEMBERS = st.sampled_from(["kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y", "d"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "A" * 43, "sig"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(MEMBERS, VALUES) | VALUES, max_size=4))
def test_whatever_the_keys_hold_they_are_parsed_or_refused(entries: list[object]) -> None:
    try:
        found = parse_key_set(_document(*entries))
    except KeySetRefused:
        return
    assert all(each.algorithms <= OUTSIDE_ALGORITHMS for each in found.keys)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_they_are_refused_in_words(content: bytes) -> None:
    with pytest.raises(KeySetRefused):
        parse_key_set(content)
