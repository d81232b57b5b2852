"""Password-based encryption of PKCS#8 keys: PBES2 (RFC 8018, RFC 7914) undone, and nothing more.

cryptography would do it, but only for keys that it can then read, which it cannot with each form of
ML-DSA, and with whatever a damaged file says of iterations and memory.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.x509 import ObjectIdentifier

_PBES2: Final = ObjectIdentifier("1.2.840.113549.1.5.13")
_PBKDF2: Final = ObjectIdentifier("1.2.840.113549.1.5.12")
_SCRYPT: Final = ObjectIdentifier("1.3.6.1.4.1.11591.4.11")
_HASHES: Final[Mapping[ObjectIdentifier, type[hashes.HashAlgorithm]]] = {
    ObjectIdentifier("1.2.840.113549.2.7"): hashes.SHA1,
    ObjectIdentifier("1.2.840.113549.2.8"): hashes.SHA224,
    ObjectIdentifier("1.2.840.113549.2.9"): hashes.SHA256,
    ObjectIdentifier("1.2.840.113549.2.10"): hashes.SHA384,
    ObjectIdentifier("1.2.840.113549.2.11"): hashes.SHA512,
}
_SEQUENCE: Final = b"\x30"
_AES_KEY_BYTES: Final[Mapping[ObjectIdentifier, int]] = {
    ObjectIdentifier("2.16.840.1.101.3.4.1.2"): 16,
    ObjectIdentifier("2.16.840.1.101.3.4.1.22"): 24,
    ObjectIdentifier("2.16.840.1.101.3.4.1.42"): 32,
}

# A damaged number must not keep the program busy for hours, or take the machine's memory. Both are
# far beyond what programs write (OpenSSL's defaults: 2048 iterations, 16 MiB).
_MAX_ITERATIONS: Final = 10_000_000
_MAX_SCRYPT_BYTES: Final = 1 << 30

# From a password and the length of key to the key.
_Derive = Callable[[bytes, int], bytes]
_Kind = TypeVar("_Kind")


@asn1.sequence
class _Algorithm:
    oid: ObjectIdentifier
    parameters: asn1.TLV


@asn1.sequence
class _EncryptedPrivateKeyInfo:
    algorithm: _Algorithm
    encrypted: bytes


@asn1.sequence
class _Pbes2:
    derivation: _Algorithm
    cipher: _Algorithm


@asn1.sequence
class _Pbkdf2:
    salt: bytes
    iterations: int
    key_bytes: int | None
    prf: _Algorithm | None


@asn1.sequence
class _Scrypt:
    salt: bytes
    cost: int
    block_size: int
    parallelization: int
    key_bytes: int | None


class OtherScheme(ValueError):
    """The key is encrypted, but not by PBES2 with AES-CBC."""


class WrongPassword(ValueError):
    """The password is not the right one, or the key is damaged."""


def decrypt(encrypted_key: bytes, password: bytes) -> bytes:
    """Decrypt an EncryptedPrivateKeyInfo.

    A wrong password is found out by the padding, and once in 256 times by what comes out: it must
    be one sequence in DER.

    Args:
        encrypted_key: in DER.
        password: its bytes; UTF-8 is the custom.

    Returns:
        What should be a PrivateKeyInfo, in DER.

    Raises:
        OtherScheme: not PBES2, or another cipher than AES-CBC.
        WrongPassword: what comes out is padded wrongly, or no sequence in DER.
        ValueError: malformed, or a derivation that would take far too long or too much memory.
        MemoryError: not even what is usual can be had.

    """
    info = asn1.decode_der(_EncryptedPrivateKeyInfo, encrypted_key)
    if info.algorithm.oid != _PBES2:
        raise OtherScheme
    scheme = _parameters(info.algorithm, _Pbes2)
    derive = _derivation(scheme.derivation)
    key_bytes = _AES_KEY_BYTES.get(scheme.cipher.oid)
    if key_bytes is None:
        raise OtherScheme
    vector = _parameters(scheme.cipher, bytes)
    opened = Cipher(algorithms.AES(derive(password, key_bytes)), modes.CBC(vector)).decryptor()
    padded = opened.update(info.encrypted) + opened.finalize()
    unpadder = PKCS7(algorithms.AES.block_size).unpadder()
    try:
        plain = unpadder.update(padded) + unpadder.finalize()
        asn1.decode_der(asn1.TLV, plain)
    except ValueError:
        raise WrongPassword from None
    if not plain.startswith(_SEQUENCE):
        raise WrongPassword
    return plain


def _derivation(algorithm: _Algorithm) -> _Derive:
    """Give the derivation, after a look at what it will cost."""
    if algorithm.oid == _PBKDF2:
        return _pbkdf2(_parameters(algorithm, _Pbkdf2))
    if algorithm.oid == _SCRYPT:
        return _scrypt(_parameters(algorithm, _Scrypt))
    raise OtherScheme


def _pbkdf2(stated: _Pbkdf2) -> _Derive:
    prf = hashes.SHA1 if stated.prf is None else _HASHES.get(stated.prf.oid)
    if prf is None or not 0 < stated.iterations <= _MAX_ITERATIONS:
        raise ValueError("odd parameters of PBKDF2")

    def derive(password: bytes, key_bytes: int) -> bytes:
        _check_length(stated.key_bytes, key_bytes)
        return PBKDF2HMAC(prf(), key_bytes, stated.salt, stated.iterations).derive(password)

    return derive


def _scrypt(stated: _Scrypt) -> _Derive:
    cost, size, lanes = stated.cost, stated.block_size, stated.parallelization
    if min(cost, size, lanes) < 1 or 128 * cost * size * lanes > _MAX_SCRYPT_BYTES:
        raise ValueError("odd parameters of scrypt")

    def derive(password: bytes, key_bytes: int) -> bytes:
        _check_length(stated.key_bytes, key_bytes)
        return Scrypt(stated.salt, key_bytes, n=cost, r=size, p=lanes).derive(password)

    return derive


def _check_length(stated: int | None, key_bytes: int) -> None:
    if stated not in {None, key_bytes}:
        raise ValueError("another length of key than the cipher's")


def _parameters(algorithm: _Algorithm, kind: type[_Kind]) -> _Kind:
    parsed: _Kind = algorithm.parameters.parse(kind)
    return parsed
