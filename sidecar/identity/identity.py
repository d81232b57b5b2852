"""An identity: leaf certificate, chain and private key as one value, swapped whole."""

import base64
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sidecar.signing.x509 import Algorithm, CertifiedKey

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """What CreateSession is signed with; `chain` holds the issuers above the leaf, without root."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey

    def certified_key(self) -> CertifiedKey:
        """Give what the signer needs, with the key itself kept behind a function."""
        is_rsa = isinstance(self.key, rsa.RSAPrivateKey)
        return CertifiedKey(
            certificate=_base64_der(self.certificate),
            chain=tuple(_base64_der(each) for each in self.chain),
            serial_number=self.certificate.serial_number,
            algorithm=Algorithm.RSA if is_rsa else Algorithm.ECDSA,
            sign=self._sign,
        )

    def _sign(self, message: bytes) -> bytes:
        """Sign with SHA-256 on every key, as AWS4-X509 demands; ECDSA gives DER."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def __repr__(self) -> str:
        return f"Identity({self.certificate.subject.rfc4514_string()!r})"


def same_key(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate was issued for this private key."""
    try:
        return certificate.public_key() == key.public_key()
    except UnsupportedAlgorithm:  # a key of a kind that this program cannot even read
        return False


def _base64_der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
