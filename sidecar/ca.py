"""A private certificate authority that issues what IAM Roles Anywhere accepts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from ipaddress import ip_address
from typing import assert_never

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# A clock a little behind the CA's must not refuse a certificate that was issued a moment ago.
_BACKDATED = timedelta(minutes=5)
# ub-common-name and its like in RFC 5280, appendix A.1; cryptography counts it in bytes of UTF-8.
_MAX_NAME_PART = 64


class KeyKind(Enum):
    """The kinds of key that the CA makes."""

    RSA_2048 = "rsa2048"
    RSA_4096 = "rsa4096"
    EC_P256 = "p256"
    EC_P384 = "p384"
    EC_P521 = "p521"


def generate_key(kind: KeyKind) -> PrivateKey:
    """Make a fresh private key from the operating system's randomness."""
    match kind:
        case KeyKind.RSA_2048:
            return rsa.generate_private_key(65537, 2048)
        case KeyKind.RSA_4096:
            return rsa.generate_private_key(65537, 4096)
        case KeyKind.EC_P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyKind.EC_P384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyKind.EC_P521:
            return ec.generate_private_key(ec.SECP521R1())
        case _:
            assert_never(kind)


@dataclass(frozen=True, slots=True, repr=False)
class Authority:
    """A CA certificate with its private key."""

    certificate: x509.Certificate
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a certificate is for; only the common name is required.

    AWS builds a session's source identity and its principal tags from these (IAM Roles Anywhere
    user guide, "Trust model"), so they are worth choosing well.
    """

    common_name: str
    organization: str | None = None
    organizational_unit: str | None = None

    def name(self) -> x509.Name:
        """Give it as an X.509 name; ValueError says which part is empty, too long or binary."""
        parts = [
            (NameOID.ORGANIZATION_NAME, "organization", self.organization),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "organizational unit", self.organizational_unit),
            (NameOID.COMMON_NAME, "common name", self.common_name),
        ]
        return x509.Name(
            [
                x509.NameAttribute(oid, _checked_part(label, text))
                for oid, label, text in parts
                if text is not None
            ]
        )


def create_root(
    subject: Subject, *, now: datetime, validity: timedelta, kind: KeyKind = KeyKind.EC_P256
) -> Authority:
    """Make a self-signed root that may be registered as a trust anchor.

    Trust anchors must be X.509 v3 with basicConstraints CA:true and, when key usage is present,
    keyCertSign (IAM Roles Anywhere user guide, "Signature verification").
    """
    key = generate_key(kind)
    name = subject.name()
    certificate = (
        _builder(name, name, key, now=now, validity=validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(certificate_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def create_intermediate(
    issuer: Authority,
    subject: Subject,
    *,
    now: datetime,
    validity: timedelta,
    kind: KeyKind = KeyKind.EC_P256,
) -> Authority:
    """Make a subordinate CA under `issuer` that may issue end-entity certificates only."""
    key = generate_key(kind)
    builder = (
        _builder(subject.name(), issuer.certificate.subject, key, now=now, validity=validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(certificate_sign=True), critical=True)
        .add_extension(_issuer_key_id(issuer), critical=False)
    )
    return Authority(builder.sign(issuer.key, hashes.SHA256()), key)


def issue_workload(
    issuer: Authority,
    subject: Subject,
    *,
    now: datetime,
    validity: timedelta,
    kind: KeyKind = KeyKind.EC_P256,
) -> tuple[x509.Certificate, PrivateKey]:
    """Issue an end-entity certificate, with a fresh key, that CreateSession accepts.

    It has CA:false, digitalSignature, SHA-256 and a subject, as the user guide demands of end
    entities.
    """
    key = generate_key(kind)
    builder = (
        _builder(subject.name(), issuer.certificate.subject, key, now=now, validity=validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(_issuer_key_id(issuer), critical=False)
    )
    return builder.sign(issuer.key, hashes.SHA256()), key


def issue_server(
    issuer: Authority, hosts: list[str], *, now: datetime, validity: timedelta
) -> tuple[x509.Certificate, PrivateKey]:
    """Issue a TLS server certificate for names and addresses; the emulator's ``--tls`` needs it."""
    key = generate_key(KeyKind.EC_P256)
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    builder = (
        _builder(
            Subject(hosts[0]).name(), issuer.certificate.subject, key, now=now, validity=validity
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_issuer_key_id(issuer), critical=False)
        .add_extension(names, critical=False)
    )
    return builder.sign(issuer.key, hashes.SHA256()), key


def certificate_pem(*certificates: x509.Certificate) -> bytes:
    """Write certificates as PEM, one after another."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def private_key_pem(key: PrivateKey) -> bytes:
    """Write a private key as unencrypted PKCS#8 PEM; the caller sees to the file's mode."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, *, now: datetime, validity: timedelta
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + validity)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _checked_part(label: str, text: str) -> str:
    length = len(text.encode())
    if not 1 <= length <= _MAX_NAME_PART:
        raise ValueError(f"{label} must have 1 to {_MAX_NAME_PART} bytes (got {length})")
    if not text.isprintable():
        raise ValueError(f"{label} must be printable (got {text!r})")
    return text


def _issuer_key_id(issuer: Authority) -> x509.AuthorityKeyIdentifier:
    extensions = issuer.certificate.extensions
    try:
        held = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:  # a CA that some other tool made
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(held)


def _key_usage(*, digital_signature: bool = False, certificate_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificate_sign,
        crl_sign=certificate_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
