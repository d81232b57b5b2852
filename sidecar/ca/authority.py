"""A certificate authority: making one, and whether it may sign what is asked of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cryptography import x509

from sidecar.ca.keys import KeyKind, PrivateKey, PublicKey, generate_key, hash_for
from sidecar.ca.path import is_self_signed
from sidecar.ca.subject import Subject
from sidecar.clock import iso_seconds
from sidecar.errors import IdentityError

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

# A clock a little behind the CA's must not refuse a certificate that was issued a moment ago.
BACKDATED: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, repr=False)
class Authority:
    """A CA certificate with its private key; `chain` holds the intermediates above it, no root."""

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...] = field(default=())

    @property
    def name(self) -> str:
        """Its subject, for people."""
        return self.certificate.subject.rfc4514_string()

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """What must be sent beside a leaf of this authority: nothing, when it is a root."""
        if is_self_signed(self.certificate):
            return ()
        return (self.certificate, *self.chain)


def create_root(
    subject: Subject,
    *,
    now: datetime,
    validity: timedelta,
    kind: KeyKind = KeyKind.EC_P256,
    path_length: int | None = None,
) -> Authority:
    """Make a self-signed root that may be registered as a trust anchor.

    Trust anchors must be X.509 v3 with basicConstraints CA:true and, when key usage is present,
    keyCertSign (IAM Roles Anywhere user guide, "Signature verification").
    """
    key = generate_key(kind)
    name = subject.name()
    certificate = (
        certificate_builder(name, name, key.public_key(), now=now, validity=validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(certificate_sign=True), critical=True)
        .sign(key, hash_for(key))
    )
    return Authority(certificate, key)


def create_intermediate(
    issuer: Authority,
    subject: Subject,
    *,
    now: datetime,
    validity: timedelta,
    kind: KeyKind = KeyKind.EC_P256,
    path_length: int = 0,
) -> Authority:
    """Make a subordinate CA under `issuer`; `path_length` CAs may stand between it and a leaf."""
    key = generate_key(kind)
    builder = (
        certificate_builder(
            subject.name(), issuer.certificate.subject, key.public_key(), now=now, validity=validity
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(certificate_sign=True), critical=True)
        .add_extension(issuer_key_id(issuer), critical=False)
    )
    certificate = builder.sign(issuer.key, hash_for(issuer.key))
    return Authority(certificate, key, issuer.intermediates)


def check_may_issue(
    authority: Authority, subject: x509.Name, *, now: datetime, until: datetime
) -> None:
    """Raise IdentityError unless what this authority signs is good from `now` to `until`.

    Not checked: whether AWS knows it, or the root above it, as a trust anchor.
    """
    if subject == authority.certificate.subject:
        raise IdentityError(
            f"{authority.name} is the authority's own name",
            hint="choose another: a certificate named like its issuer passes for a root",
        )
    usage = extension(authority.certificate, x509.KeyUsage)
    if not is_authority(authority.certificate) or not (usage is None or usage.key_cert_sign):
        raise IdentityError(
            f"the certificate of {authority.name} is not a certificate authority's",
            hint="it needs CA:true and, with key usage, keyCertSign",
        )
    for each in (authority.certificate, *authority.chain):
        _check_validity(each, now=now, until=until)


def check_may_issue_authority(authority: Authority, path_length: int) -> None:
    """Raise IdentityError unless a CA of this path length may stand under the authority.

    RFC 5280 section 4.2.1.9: the path length of each CA limits how many stand below it.
    """
    basic = extension(authority.certificate, x509.BasicConstraints)
    allowed = None if basic is None else basic.path_length
    if allowed is None or path_length < allowed:
        return
    raise IdentityError(
        f"{authority.name} has path length {allowed}: no authority of path length {path_length}"
        " can stand under it",
        hint=f"ask for --path-length {allowed - 1} or less"
        if allowed
        else "choose an --issuer that may have authorities under it, such as the root",
    )


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate says CA:true."""
    basic = extension(certificate, x509.BasicConstraints)
    return basic is not None and basic.ca


def extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """Give one extension's value; None where the certificate has none of the kind."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def certificate_builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: PublicKey,
    *,
    now: datetime,
    validity: timedelta,
) -> x509.CertificateBuilder:
    """Begin a certificate with what all of them have."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + validity)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def issuer_key_id(issuer: Authority) -> x509.AuthorityKeyIdentifier:
    """Name the issuer's key, in what it signs, as its own certificate does."""
    held = extension(issuer.certificate, x509.SubjectKeyIdentifier)
    if held is None:  # a CA that some other tool made
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(held)


def key_usage(*, digital_signature: bool = False, certificate_sign: bool = False) -> x509.KeyUsage:
    """Make the extension for a leaf or, with `certificate_sign`, for a CA and its lists."""
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


def _check_validity(certificate: x509.Certificate, *, now: datetime, until: datetime) -> None:
    name = certificate.subject.rfc4514_string()
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < starts:
        raise IdentityError(
            f"the certificate authority {name} is not valid before {iso_seconds(starts)}",
            hint=f"wait, or correct this machine's clock (it says {iso_seconds(now)})",
        )
    if ends < now:
        raise IdentityError(
            f"the certificate authority {name} expired at {iso_seconds(ends)}",
            hint="make a new authority and register it as a trust anchor",
        )
    if ends < until:
        left = (ends - now).days
        raise IdentityError(
            f"the certificate authority {name} expires at {iso_seconds(ends)}, the certificate"
            f" would at {iso_seconds(until)}",
            hint=f"ask for --days {left} or less" if left > 0 else "make a new authority",
        )
