"""Reading certificates and asking them the questions that PKIX asks."""

import base64
import binascii
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

# "Signature algorithm: SHA-256 or stronger" (user guide, "Signature verification").
_STRONG: Final = (
    hashes.SHA256,
    hashes.SHA384,
    hashes.SHA512,
    hashes.SHA3_256,
    hashes.SHA3_384,
    hashes.SHA3_512,
)


def certificate_from_header(text: str) -> x509.Certificate:
    """Read one certificate from strict base64 of its DER form; ValueError when it is not that."""
    try:
        der = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None
    return x509.load_der_x509_certificate(der)


def is_version_3(certificate: x509.Certificate) -> bool:
    """Whether it is X.509 v3."""
    return certificate.version is x509.Version.v3


def has_strong_signature(certificate: x509.Certificate) -> bool:
    """Whether it was signed over SHA-256 or better; a signature without a hash is neither."""
    return isinstance(certificate.signature_hash_algorithm, _STRONG)


def basic_constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    """The basicConstraints extension."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return None


def key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    """The keyUsage extension."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether basicConstraints say CA:true."""
    constraints = basic_constraints(certificate)
    return constraints is not None and constraints.ca


def may_sign_certificates(certificate: x509.Certificate) -> bool:
    """Whether keyUsage is present and includes keyCertSign."""
    usage = key_usage(certificate)
    return usage is not None and usage.key_cert_sign


def has_usable_key(certificate: x509.Certificate) -> bool:
    """Whether its public key is of a kind whose signatures the emulator can verify."""
    return isinstance(certificate.public_key(), rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
