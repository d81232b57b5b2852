"""A private key as the signer sees it: bytes in, a signature out, wherever it is held."""

from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, padding, rsa

from sidecar.signing.x509 import Algorithm

MLDSA_PRIVATE: Final = (mldsa.MLDSA44PrivateKey, mldsa.MLDSA65PrivateKey, mldsa.MLDSA87PrivateKey)
MLDSA_PUBLIC: Final = (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)

MldsaPrivateKey = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
MldsaPublicKey = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | MldsaPrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | MldsaPublicKey


class SigningKey(Protocol):
    """What can sign: a key in memory, on a PKCS#11 token or in a TPM.

    ``sign`` may block on a device, and may be called from several threads at once.
    """

    @property
    def public_key(self) -> PublicKey:
        """The public half, by which the certificate that belongs to it is found."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign as `algorithm_of` names it; IdentityError when the device refuses."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class SoftwareKey:
    """A private key in this process's memory."""

    private: PrivateKey

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self.private.public_key()

    def sign(self, message: bytes) -> bytes:
        """Sign with SHA-256 on RSA and on every curve, as AWS4-X509 demands; ECDSA gives DER.

        ML-DSA signs the message itself, with an empty context.
        """
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(message, ec.ECDSA(hashes.SHA256()))
        return self.private.sign(message)


def algorithm_of(public_key: PublicKey) -> Algorithm:
    """Name the algorithm that a key of this kind signs with."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return Algorithm.RSA
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return Algorithm.ECDSA
    return Algorithm.MLDSA


def public_der(key: PublicKey) -> bytes:
    """Write a public key as SubjectPublicKeyInfo, for comparison."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
