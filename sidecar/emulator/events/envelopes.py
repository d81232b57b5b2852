"""The messages that SNS sends, signed as its receivers check them.

Source: SNS developer guide, "HTTP/HTTPS notification JSON format" and "Verifying the signatures of
Amazon SNS messages"; the signature is of version 2, SHA-256 with RSA.
"""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

CERTIFICATE_PATH: Final = "/SimpleNotificationService.pem"
_VALIDITY: Final = timedelta(days=30)
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}


class Signer:
    """SNS's key, made when the first message is signed."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._made: rsa.RSAPrivateKey | None = None
        self._lock = Lock()

    @property
    def _key(self) -> rsa.RSAPrivateKey:
        with self._lock:
            if self._made is None:
                self._made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            return self._made

    @property
    def certificate_pem(self) -> bytes:
        """The certificate that receivers fetch."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - _VALIDITY)
            .not_valid_after(self._now + _VALIDITY)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    def signed(self, message: Mapping[str, str], endpoint_url: str) -> dict[str, str]:
        """Complete a message.

        Args:
            message: with its Type, and every member that is signed.
            endpoint_url: where the certificate can be fetched.
        """
        text = "".join(
            f"{name}\n{message[name]}\n" for name in _SIGNED[message["Type"]] if name in message
        )
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {
            **message,
            "SignatureVersion": "2",
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": f"{endpoint_url}{CERTIFICATE_PATH}",
        }
