"""Reading certificates and asking them the questions that PKIX asks."""

import base64
import binascii
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa

MlDsaPublicKey = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
UsableKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | MlDsaPublicKey

# "Signature algorithm: SHA-256 or stronger" (user guide, "Signature verification").
_STRONG: Final = (
    hashes.SHA256,
    hashes.SHA384,
    hashes.SHA512,
    hashes.SHA3_256,
    hashes.SHA3_384,
    hashes.SHA3_512,
)
# ML-DSA-44, -65 and -87 hash by themselves (RFC 9881, section 2); SHAKE256 is strong enough.
_ML_DSA_SIGNATURES: Final = frozenset(f"2.16.840.1.101.3.4.3.{number}" for number in (17, 18, 19))


def certificate_from_header(text: str) -> x509.Certificate:
    """Read one certificate from strict base64 of its DER form; ValueError when it is not that."""
    try:
        der = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None
    certificate = x509.load_der_x509_certificate(der)
    try:
        # Names and extensions are parsed when asked for; what cannot be is found out here.
        _ = certificate.subject, certificate.issuer, certificate.extensions
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ValueError(str(error)) from None
    return certificate


def is_version_3(certificate: x509.Certificate) -> bool:
    """Whether it is X.509 v3."""
    return certificate.version is x509.Version.v3


def has_strong_signature(signed: x509.Certificate | x509.CertificateRevocationList) -> bool:
    """Whether it was signed over SHA-256 or better, or with ML-DSA."""
    if signed.signature_algorithm_oid.dotted_string in _ML_DSA_SIGNATURES:
        return True
    try:
        return isinstance(signed.signature_hash_algorithm, _STRONG)
    except UnsupportedAlgorithm:
        return False


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


def may_sign_crls(certificate: x509.Certificate) -> bool:
    """Whether keyUsage, if present, includes cRLSign (RFC 5280, 6.3.3, step f)."""
    usage = key_usage(certificate)
    return usage is None or usage.crl_sign


def usable_key(certificate: x509.Certificate) -> UsableKey | None:
    """The public key, if it is of a kind whose signatures CreateSession takes."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, UsableKey) else None
