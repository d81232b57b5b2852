"""The key that the sidecar signs its own app tokens with."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from sidecar.access.base64url import encode_base64url

EDDSA: Final = "EdDSA"
HS256: Final = "HS256"
MAX_KEY_BYTES: Final = 16 * 1024
# RFC 7518 §3.2: a key of the hash's size or more must be used.
_LEAST_HS256_BYTES: Final = 32


class UnusableTokenKey(ValueError):
    """What a user set up to sign tokens with cannot do so; the message never holds it."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key with the one algorithm that it is used with.

    Args:
        algorithm: ``EdDSA`` or ``HS256``.
        signing: what signs.
        verifying: what verifies; of HS256 the same.
        kid: what the key is called in a token's header; it tells nothing of the key.

    """

    algorithm: str
    signing: Ed25519PrivateKey | bytes = field(repr=False)
    verifying: Ed25519PublicKey | bytes = field(repr=False)
    kid: str

    @classmethod
    def generate(cls, algorithm: str) -> Self:
        """Make a fresh key."""
        if algorithm == EDDSA:
            return cls._ed25519(Ed25519PrivateKey.generate())
        return cls._hs256(secrets.token_bytes(_LEAST_HS256_BYTES))

    @classmethod
    def read(cls, content: bytes, algorithm: str) -> Self:
        """Read a key file: PEM for EdDSA, the bytes themselves for HS256 (without a last newline).

        Raises:
            UnusableTokenKey: it holds no such key, or one that is too short.

        """
        if algorithm == EDDSA:
            try:
                key = load_pem_private_key(content, None)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                raise UnusableTokenKey("holds no unencrypted private key in PEM") from None
            if not isinstance(key, Ed25519PrivateKey):
                raise UnusableTokenKey("holds a key that is not Ed25519")
            return cls._ed25519(key)
        secret = content.removesuffix(b"\n")
        if secret.startswith(b"-----BEGIN"):
            raise UnusableTokenKey("holds PEM, and HS256 takes a secret")
        if len(secret) < _LEAST_HS256_BYTES:
            raise UnusableTokenKey(
                f"has {len(secret)} bytes; at least {_LEAST_HS256_BYTES} are needed for HS256"
            )
        return cls._hs256(secret)

    @classmethod
    def _ed25519(cls, key: Ed25519PrivateKey) -> Self:
        public = key.public_key()
        coordinate = encode_base64url(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
        # RFC 7638 with RFC 8037: these members, in this order.
        thumbprint = json.dumps(
            {"crv": "Ed25519", "kty": "OKP", "x": coordinate}, separators=(",", ":")
        )
        return cls(
            EDDSA, key, public, encode_base64url(hashlib.sha256(thumbprint.encode()).digest())
        )

    @classmethod
    def _hs256(cls, secret: bytes) -> Self:
        # Of a secret no hash is told: keyed by the secret itself, nothing can be tried out on it
        # that the signature beside it would not allow as well.
        digest = hashlib.blake2b(b"kid", key=hashlib.sha512(secret).digest(), digest_size=8)
        return cls(HS256, secret, secret, digest.hexdigest())
