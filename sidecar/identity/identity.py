"""An identity: leaf certificate, chain and private key as one value, swapped whole."""

import base64
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from sidecar.identity.signing_key import PublicKey, SigningKey, algorithm_of
from sidecar.signing.x509 import CertifiedKey


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """What CreateSession is signed with.

    ``chain`` holds the issuers above the leaf, without root; ``left_out`` the certificates that
    were found beside them and issued nothing on the path from the leaf; ``password_unused`` says
    that a password is configured and the key turned out to be plain.
    """

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: SigningKey
    left_out: tuple[x509.Certificate, ...] = ()
    password_unused: bool = False

    def certified_key(self) -> CertifiedKey:
        """Give what the signer needs, with the key itself kept behind a function."""
        return CertifiedKey(
            certificate=_base64_der(self.certificate),
            chain=tuple(_base64_der(each) for each in self.chain),
            serial_number=self.certificate.serial_number,
            algorithm=algorithm_of(self.key.public_key),
            sign=self.key.sign,
        )

    def __repr__(self) -> str:
        return f"Identity({self.certificate.subject.rfc4514_string()!r})"


def same_key(certificate: x509.Certificate, public_key: PublicKey) -> bool:
    """Whether the certificate was issued for this key."""
    try:
        return certificate.public_key() == public_key
    except (UnsupportedAlgorithm, ValueError):  # a key that this program cannot even read
        return False


def _base64_der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
