"""What openssl says of a signature, and certificates for keys that it is asked about."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidecar.identity.signing_key import PublicKey

Openssl = Callable[..., "subprocess.CompletedProcess[str]"]
MESSAGE: Final = b"AWS4-X509-ECDSA-SHA256 and so on"


def openssl_verifies(
    openssl: Openssl, directory: Path, public_key: PublicKey, signature: bytes
) -> bool:
    """Let openssl verify a signature of MESSAGE with SHA-256."""
    pem, message, signed = (directory / name for name in ("public.pem", "message", "signature"))
    pem.write_bytes(public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    message.write_bytes(MESSAGE)
    signed.write_bytes(signature)
    ended = openssl("dgst", "-sha256", "-verify", pem, "-signature", signed, message)
    return ended.returncode == 0


def certificate_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.Certificate:
    """Make a certificate for a key; only its public key matters."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "device")])
    start = datetime(2026, 3, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
