"""ML-DSA private keys in those PKCS#8 forms of RFC 9881 that cryptography does not read."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.x509 import ObjectIdentifier

from sidecar.identity.signing_key import MldsaPrivateKey

_SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class _ParameterSet:
    """One of FIPS 204, table 1: the matrix's size, and the expanded key's."""

    from_seed: Callable[[bytes], MldsaPrivateKey]
    rows: int
    columns: int
    expanded_bytes: int


_PARAMETER_SETS: Final[Mapping[ObjectIdentifier, _ParameterSet]] = {
    ObjectIdentifier("2.16.840.1.101.3.4.3.17"): _ParameterSet(
        mldsa.MLDSA44PrivateKey.from_seed_bytes, 4, 4, 2560
    ),
    ObjectIdentifier("2.16.840.1.101.3.4.3.18"): _ParameterSet(
        mldsa.MLDSA65PrivateKey.from_seed_bytes, 6, 5, 4032
    ),
    ObjectIdentifier("2.16.840.1.101.3.4.3.19"): _ParameterSet(
        mldsa.MLDSA87PrivateKey.from_seed_bytes, 8, 7, 4896
    ),
}


@asn1.sequence
class _Algorithm:
    oid: ObjectIdentifier


@asn1.sequence
class _PrivateKeyInfo:
    version: int
    algorithm: _Algorithm
    private_key: bytes


@asn1.sequence
class _SeedAndExpanded:
    seed: bytes
    expanded: bytes


class UnusableMldsaKey(Exception):
    """An ML-DSA key of a form, or with contents, that cannot be signed with."""


def read_mldsa_key(private_key_info: bytes) -> MldsaPrivateKey | None:
    """Read a key that holds its seed and the expanded key.

    The seed is what signs. Of the expanded key this checks the length, and by hashes all but the
    secret vectors: that it is the one that this seed gives, and gives the same public key.

    Args:
        private_key_info: PKCS#8 in DER.

    Returns:
        The key, or None if this is not an ML-DSA key at all.

    Raises:
        UnusableMldsaKey: it has no seed, is malformed, or seed and expanded key do not belong
            together.

    """
    try:
        info = asn1.decode_der(_PrivateKeyInfo, private_key_info)
    except ValueError:
        return None
    parameters = _PARAMETER_SETS.get(info.algorithm.oid)
    if parameters is None:
        return None
    try:
        both = asn1.decode_der(_SeedAndExpanded, info.private_key)
    except ValueError:
        if _is_expanded_alone(info.private_key, parameters):
            raise UnusableMldsaKey("holds an ML-DSA key without its seed") from None
        raise UnusableMldsaKey("holds a malformed ML-DSA key") from None
    if len(both.seed) != _SEED_BYTES or len(both.expanded) != parameters.expanded_bytes:
        raise UnusableMldsaKey("holds an ML-DSA key of a wrong length")
    key = parameters.from_seed(both.seed)
    if not both.expanded.startswith(_first_parts(both.seed, key, parameters)):
        raise UnusableMldsaKey("holds an ML-DSA seed and an expanded key that is not its own")
    return key


def _first_parts(seed: bytes, key: MldsaPrivateKey, parameters: _ParameterSet) -> bytes:
    """Give what an expanded key begins with: rho, K and tr (FIPS 204, algorithms 6 and 24)."""
    expansion = hashlib.shake_256(seed + bytes((parameters.rows, parameters.columns))).digest(128)
    rho, secret = expansion[:32], expansion[96:]
    return rho + secret + hashlib.shake_256(key.public_key().public_bytes_raw()).digest(64)


def _is_expanded_alone(private_key: bytes, parameters: _ParameterSet) -> bool:
    try:
        return len(asn1.decode_der(bytes, private_key)) == parameters.expanded_bytes
    except ValueError:
        return False
