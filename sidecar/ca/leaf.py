"""End-entity certificates: for workloads, and for the emulator's TLS."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from sidecar.ca.authority import (
    Authority,
    certificate_builder,
    extension,
    issuer_key_id,
    key_usage,
)
from sidecar.ca.keys import KeyKind, PrivateKey, PublicKey, checked_key, generate_key, hash_for
from sidecar.ca.subject import Subject


@dataclass(frozen=True, slots=True)
class Workload:
    """What a workload's certificate says of it; everything else is the same for all of them."""

    subject: x509.Name
    public_key: PublicKey = field(repr=False)
    alternative_names: x509.SubjectAlternativeName | None = None

    def __post_init__(self) -> None:
        if not list(self.subject):
            raise ValueError("the subject must not be empty: AWS tells workloads apart by it")

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "Workload":
        """Take it over from a certificate; ValueError when its key may not be certified again."""
        names = extension(certificate, x509.SubjectAlternativeName)
        return cls(certificate.subject, checked_key(certificate.public_key()), names)


def certify_workload(
    issuer: Authority, workload: Workload, *, now: datetime, validity: timedelta
) -> x509.Certificate:
    """Sign an end-entity certificate that CreateSession accepts.

    It has CA:false, digitalSignature, SHA-256 and a subject, as the user guide demands of end
    entities. Not checked: whether the issuer may sign it, and whether the workload has the key.
    """
    subject, key = workload.subject, workload.public_key
    builder = (
        certificate_builder(subject, issuer.certificate.subject, key, now=now, validity=validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(issuer_key_id(issuer), critical=False)
    )
    if workload.alternative_names is not None:
        builder = builder.add_extension(workload.alternative_names, critical=False)
    return builder.sign(issuer.key, hash_for(issuer.key))


def issue_workload(
    issuer: Authority,
    subject: Subject,
    *,
    now: datetime,
    validity: timedelta,
    kind: KeyKind = KeyKind.EC_P256,
) -> tuple[x509.Certificate, PrivateKey]:
    """Issue a workload's certificate with a fresh key."""
    key = generate_key(kind)
    workload = Workload(subject.name(), key.public_key())
    return certify_workload(issuer, workload, now=now, validity=validity), key


def issue_server(
    issuer: Authority, hosts: list[str], *, now: datetime, validity: timedelta
) -> tuple[x509.Certificate, PrivateKey]:
    """Issue a TLS server certificate for names and addresses; the emulator's ``--tls`` needs it."""
    key = generate_key(KeyKind.EC_P256)
    subject, public_key = Subject(hosts[0]).name(), key.public_key()
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    builder = (
        certificate_builder(
            subject, issuer.certificate.subject, public_key, now=now, validity=validity
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_key_id(issuer), critical=False)
        .add_extension(names, critical=False)
    )
    return builder.sign(issuer.key, hash_for(issuer.key)), key


def certificate_pem(*certificates: x509.Certificate) -> bytes:
    """Write certificates as PEM, one after another."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
