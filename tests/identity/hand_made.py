"""Keys written in DER by hand, for forms that no library at hand writes."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_PRFS: Final = {"sha1": 7, "sha224": 8, "sha256": 9, "sha384": 10, "sha512": 11}
_AES: Final = {16: 2, 24: 22, 32: 42}

# From password and length of key to the key, and the AlgorithmIdentifier that tells how.
Derivation = Callable[[bytes, int], tuple[bytes, bytes]]


def pbkdf2_key(prf: str, *, says_prf: bool = True) -> Derivation:
    """Derive by PBKDF2 (RFC 8018); HMAC-SHA-1 may go without saying."""

    def derive(password: bytes, key_bytes: int) -> tuple[bytes, bytes]:
        salt, rounds = secrets.token_bytes(16), 2048
        named = oid(f"1.2.840.113549.2.{_PRFS[prf]}") + tlv(0x05)
        parameters = tlv(0x04, salt) + integer(rounds) + (tlv(0x30, named) if says_prf else b"")
        key = hashlib.pbkdf2_hmac(prf, password, salt, rounds, key_bytes)
        return key, tlv(0x30, oid("1.2.840.113549.1.5.12") + tlv(0x30, parameters))

    return derive


def scrypt_key(password: bytes, key_bytes: int) -> tuple[bytes, bytes]:
    """Derive by scrypt (RFC 7914)."""
    salt, cost = secrets.token_bytes(16), 1024
    parameters = tlv(0x04, salt) + integer(cost) + integer(8) + integer(1)
    key = hashlib.scrypt(password, salt=salt, n=cost, r=8, p=1, dklen=key_bytes)
    return key, tlv(0x30, oid("1.3.6.1.4.1.11591.4.11") + tlv(0x30, parameters))


def locked_pkcs8(der: bytes, password: bytes, derive: Derivation, key_bytes: int = 32) -> bytes:
    """Encrypt any PKCS#8 key, by hand: no library does it for each form."""
    key, derivation = derive(password, key_bytes)
    vector = secrets.token_bytes(16)
    padder = padding.PKCS7(128).padder()
    sealed = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    encrypted = sealed.update(padder.update(der) + padder.finalize()) + sealed.finalize()
    cipher = tlv(0x30, oid(f"2.16.840.1.101.3.4.1.{_AES[key_bytes]}") + tlv(0x04, vector))
    scheme = tlv(0x30, oid("1.2.840.113549.1.5.13") + tlv(0x30, derivation + cipher))
    return pem_block("ENCRYPTED PRIVATE KEY", tlv(0x30, scheme + tlv(0x04, encrypted)))


def pem_block(label: str, der: bytes) -> bytes:
    """Write DER as PEM."""
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def pem_body(pem: bytes) -> bytes:
    """Give the DER in the one block of a file."""
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


def tlv(tag: int, content: bytes = b"") -> bytes:
    """Write one value in DER."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """Write a whole number in DER."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """Write an object identifier in DER."""
    return asn1.encode_der(x509.ObjectIdentifier(dotted))
