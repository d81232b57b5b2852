"""Certificates with anything wrong that a test wants; the defaults pass every check."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW: Final = datetime.fromisoformat("2026-03-01T12:00:00Z")
DAY: Final = timedelta(days=1)
KEY: Final = ec.generate_private_key(ec.SECP256R1())

# The library signs no weak hashes any more: the last byte of the algorithm's name is changed.
SHA256_WITH_RSA, SHA1_WITH_RSA, MD5_WITH_RSA, SHA384_WITH_RSA, SHA224_WITH_RSA, ODD_WITH_RSA = (
    bytes.fromhex("2a864886f70d0101") + last
    for last in (b"\x0b", b"\x05", b"\x04", b"\x0c", b"\x0e", b"\x7f")
)


@dataclass(frozen=True)
class Made:
    """What a certificate is made of.

    Args:
        name: its subject's common name; empty for an empty subject.
        subject: its whole subject, in place of the name.
        issuer: its issuer's common name.
        starts: when it becomes valid.
        ends: when it ceases to be.
        ca: basicConstraints; None for none.
        path_length: of a CA.
        usage: names of the key usages that are set; None for no extension.
        names: alternative names.
        serial_number: of the certificate.

    """

    name: str = "billing"
    subject: x509.Name | None = None
    issuer: str = "CA"
    starts: datetime = NOW - DAY
    ends: datetime = NOW + 30 * DAY
    ca: bool | None = False
    path_length: int | None = None
    usage: Sequence[str] | None = ("digital_signature", "key_encipherment")
    names: Sequence[x509.GeneralName] = ()
    serial_number: int = 1

    def certificate(
        self,
        signer: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY,
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY,
    ) -> x509.Certificate:
        """Make it for a key, signed by another."""
        subject = common_name(self.name) if self.subject is None else self.subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(common_name(self.issuer))
            .public_key(key.public_key())
            .serial_number(self.serial_number)
            .not_valid_before(self.starts)
            .not_valid_after(self.ends)
        )
        if self.ca is not None:
            constraints = x509.BasicConstraints(self.ca, self.path_length)
            builder = builder.add_extension(constraints, critical=True)
        if self.usage is not None:
            builder = builder.add_extension(_usage(self.usage), critical=True)
        if self.names:
            names = x509.SubjectAlternativeName(self.names)
            builder = builder.add_extension(names, critical=False)
        return builder.sign(signer, hashes.SHA256())


def authority(**changes: object) -> Made:
    """Describe an intermediate that passes every check."""
    return Made(
        **{"name": "Lower", "ca": True, "usage": ("key_cert_sign",), **changes}  # type: ignore[arg-type]
    )


def common_name(name: str) -> x509.Name:
    """Make a name of a common name, or an empty one."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])


def signed_with(algorithm: bytes, certificate: x509.Certificate) -> x509.Certificate:
    """Give the same certificate that says to be signed by another algorithm."""
    der = certificate.public_bytes(Encoding.DER)
    assert der.count(SHA256_WITH_RSA) == 2
    return x509.load_der_x509_certificate(der.replace(SHA256_WITH_RSA, algorithm))


def _usage(names: Sequence[str]) -> x509.KeyUsage:
    usages = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**{**usages, **dict.fromkeys(names, True)})
