"""The keys that the CA makes, and those of others that it certifies."""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa

MlDsaPrivateKey = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | MlDsaPrivateKey
MlDsaPublicKey = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | MlDsaPublicKey

# NIST SP 800-57 part 1: 2048 bits are the least; far beyond 8192 a key only costs whoever checks.
_RSA_BITS: Final = range(2048, 8192 + 1)
_RSA_EXPONENT: Final = 65537


class KeyKind(Enum):
    """The kinds of key that the CA makes."""

    RSA_2048 = "rsa2048"
    RSA_4096 = "rsa4096"
    EC_P256 = "p256"
    EC_P384 = "p384"
    EC_P521 = "p521"
    ML_DSA_44 = "mldsa44"
    ML_DSA_65 = "mldsa65"
    ML_DSA_87 = "mldsa87"


_GENERATORS: Final[Mapping[KeyKind, Callable[[], PrivateKey]]] = {
    KeyKind.RSA_2048: partial(rsa.generate_private_key, _RSA_EXPONENT, 2048),
    KeyKind.RSA_4096: partial(rsa.generate_private_key, _RSA_EXPONENT, 4096),
    KeyKind.EC_P256: partial(ec.generate_private_key, ec.SECP256R1()),
    KeyKind.EC_P384: partial(ec.generate_private_key, ec.SECP384R1()),
    KeyKind.EC_P521: partial(ec.generate_private_key, ec.SECP521R1()),
    KeyKind.ML_DSA_44: mldsa.MLDSA44PrivateKey.generate,
    KeyKind.ML_DSA_65: mldsa.MLDSA65PrivateKey.generate,
    KeyKind.ML_DSA_87: mldsa.MLDSA87PrivateKey.generate,
}

_NAMES: Final = {
    KeyKind.RSA_2048: "RSA 2048",
    KeyKind.RSA_4096: "RSA 4096",
    KeyKind.EC_P256: "EC P-256",
    KeyKind.EC_P384: "EC P-384",
    KeyKind.EC_P521: "EC P-521",
    KeyKind.ML_DSA_44: "ML-DSA-44",
    KeyKind.ML_DSA_65: "ML-DSA-65",
    KeyKind.ML_DSA_87: "ML-DSA-87",
}
_RSA_KINDS: Final = {2048: KeyKind.RSA_2048, 4096: KeyKind.RSA_4096}
_EC_KINDS: Final = {
    "secp256r1": KeyKind.EC_P256,
    "secp384r1": KeyKind.EC_P384,
    "secp521r1": KeyKind.EC_P521,
}


def generate_key(kind: KeyKind) -> PrivateKey:
    """Make a fresh private key from the operating system's randomness."""
    return _GENERATORS[kind]()


def kind_of(key: object) -> KeyKind | None:
    """Say of which kind a public key is; None for one that the CA would not make."""
    match key:
        case rsa.RSAPublicKey():
            return _RSA_KINDS.get(key.key_size)
        case ec.EllipticCurvePublicKey():
            return _EC_KINDS.get(key.curve.name)
        case mldsa.MLDSA44PublicKey():
            return KeyKind.ML_DSA_44
        case mldsa.MLDSA65PublicKey():
            return KeyKind.ML_DSA_65
        case mldsa.MLDSA87PublicKey():
            return KeyKind.ML_DSA_87
        case _:
            return None


def key_name(key: object) -> str:
    """Name a public key for people, whatever it is: ``EC P-256``, ``RSA 3072``, ``Ed25519``."""
    kind = kind_of(key)
    if kind is not None:
        return _NAMES[kind]
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey")


def checked_key(key: object) -> PublicKey:
    """Return a public key that may be certified; ValueError says why another may not.

    RSA, EC and ML-DSA are the kinds that IAM Roles Anywhere signs with (user guide, "Signature
    verification"). Not checked: whether the key was made well, or is known to others.
    """
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size not in _RSA_BITS:
            least, most = _RSA_BITS[0], _RSA_BITS[-1]
            raise ValueError(f"an RSA key must have {least} to {most} bits (got {key.key_size})")
        exponent = key.public_numbers().e
        if exponent < _RSA_EXPONENT:
            raise ValueError(f"an RSA key's exponent must be {_RSA_EXPONENT} or more")
        return key
    if isinstance(key, PublicKey) and kind_of(key) is not None:
        return key
    raise ValueError(
        f"a key must be RSA, EC on P-256, P-384 or P-521, or ML-DSA (got {key_name(key)})"
    )


def hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    """Give the hash to sign a certificate or list with; None for ML-DSA, which needs none.

    SHA-256 is the least that IAM Roles Anywhere takes, whatever the key.
    """
    return None if isinstance(key, MlDsaPrivateKey) else hashes.SHA256()


def private_key_pem(key: PrivateKey) -> bytes:
    """Write a private key as unencrypted PKCS#8 PEM; the caller sees to the file's mode."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
