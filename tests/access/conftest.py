"""An outside issuer made by hand: its keys, its JWKS, and tokens that it signs."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
CURVES: Mapping[str, ec.EllipticCurve] = {
    "256": ec.SECP256R1(),
    "384": ec.SECP384R1(),
    "512": ec.SECP521R1(),
}


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def number(value: int, length: int | None = None) -> str:
    size = length or (value.bit_length() + 7) // 8
    return encoded(value.to_bytes(size, "big"))


def signature(key: PrivateKey, algorithm: str, content: bytes) -> bytes:
    """Sign as RFC 7518 says, with no JWT library in it."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(content)
    digest = HASHES[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(content, ec.ECDSA(digest)))
        size = (key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if algorithm.startswith("PS"):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return key.sign(content, pss, digest)
    return key.sign(content, padding.PKCS1v15(), digest)


def public_jwk(key: PrivateKey) -> dict[str, Any]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        point, size = public.public_numbers(), (public.key_size + 7) // 8
        names = {256: "P-256", 384: "P-384", 521: "P-521"}
        coordinates = {"x": number(point.x, size), "y": number(point.y, size)}
        return {"kty": "EC", "crv": names[public.key_size], **coordinates}
    return {"kty": "OKP", "crv": "Ed25519", "x": encoded(public.public_bytes_raw())}


@dataclass(frozen=True)
class Signer:
    """A private key of an issuer, and what tokens call it."""

    key: PrivateKey
    algorithm: str
    kid: str = "first"
    jwk: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "jwk", {**public_jwk(self.key), "kid": self.kid})

    def token(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Sign claims; a header given as None is left out."""
        whole = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **header}
        kept = {name: value for name, value in whole.items() if value is not None}
        return self.signed(json.dumps(kept).encode(), json.dumps(claims).encode())

    def signed(self, header: bytes, claims: bytes) -> str:
        """Sign whatever is given for header and claims."""
        content = f"{encoded(header)}.{encoded(claims)}"
        return f"{content}.{encoded(signature(self.key, self.algorithm, content.encode()))}"


Jwks = Callable[..., bytes]


@pytest.fixture(scope="session")
def jwks() -> Jwks:
    """Give a function that writes the document which an issuer of some keys publishes."""
    return lambda *signers: json.dumps({"keys": [each.jwk for each in signers]}).encode()


@pytest.fixture(scope="session")
def base64url() -> Callable[[bytes], str]:
    """Give a function that writes base64url without padding."""
    return encoded


@pytest.fixture(scope="session")
def make_signer() -> type[Signer]:
    """Give what makes a signer of a private key, an algorithm and a kid."""
    return Signer


@pytest.fixture(scope="session")
def signer(rsa_key: rsa.RSAPrivateKey) -> Signer:
    """Give the issuer's RSA key."""
    return Signer(rsa_key, "RS256")


@pytest.fixture(scope="session")
def other() -> Signer:
    """Give a key that is not the issuer's, or its next one."""
    return Signer(ec.generate_private_key(ec.SECP256R1()), "ES256", "second")
