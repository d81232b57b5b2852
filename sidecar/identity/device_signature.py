"""The last look at a signature that a device made."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sidecar.errors import IdentityError

# ML-DSA on devices is not supported.
DevicePublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


def checked(signature: bytes, message: bytes, public_key: DevicePublicKey) -> bytes:
    """Give the signature back if it verifies, with SHA-256.

    A device may hold another key than its public objects say, and a faulty RSA signature gives the
    key away to whoever sees it; so neither leaves this process.

    Raises:
        IdentityError: it does not verify.

    """
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            public_key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise IdentityError(
            "the device made a signature that its public key does not verify",
            hint="check that private key, public key and certificate on it belong together",
        ) from None
    return signature
