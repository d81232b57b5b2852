"""The certificate revocation list of an authority (RFC 5280 section 5)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography import x509

from sidecar.ca.authority import Authority, extension, issuer_key_id
from sidecar.ca.issued import Issued, Reason, Record
from sidecar.ca.keys import hash_for
from sidecar.errors import IdentityError

# What IAM Roles Anywhere imports at the most (API reference, ImportCrl).
MAX_CRL_BYTES = 300_000


def create_crl(
    authority: Authority,
    record: Record,
    *,
    previous: x509.CertificateRevocationList | None,
    now: datetime,
    validity: timedelta,
) -> x509.CertificateRevocationList:
    """Sign the list of everything revoked.

    Its number is above the previous list's, and is the time in seconds where that is higher: so
    it rises even when the previous list is lost. A certificate that expired is listed once more
    and then left out (section 3.3). What only the previous list names stays listed: a record that
    was lost must not make a revoked certificate good again.

    Args:
        authority: who signs.
        record: what it has issued.
        previous: its last list, if there is one.
        now: when this list is made, and what it is as of.
        validity: how long until the next list is due.

    Raises:
        IdentityError: the authority may not sign lists.

    """
    usage = extension(authority.certificate, x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        raise IdentityError(
            f"{authority.name} may not sign revocation lists",
            hint="its key usage lacks cRLSign; have its certificate issued anew",
        )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(now + validity)
        .add_extension(issuer_key_id(authority), critical=False)
        .add_extension(x509.CRLNumber(_next_number(previous, now)), critical=False)
    )
    for entry in (*_listed(record, previous), *unrecorded(record, previous)):
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(authority.key, hash_for(authority.key))


def unrecorded(
    record: Record, previous: x509.CertificateRevocationList | None
) -> tuple[x509.RevokedCertificate, ...]:
    """Give what the previous list names and the record does not know to be revoked."""
    known = {entry.serial_number for entry in record if entry.revocation is not None}
    return tuple(each for each in previous or () if each.serial_number not in known)


def number_of(crl: x509.CertificateRevocationList) -> int:
    """Give a list's number; 0 for one without."""
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


def _next_number(previous: x509.CertificateRevocationList | None, now: datetime) -> int:
    least = 0 if previous is None else number_of(previous) + 1
    return max(least, int(now.timestamp()))


def _listed(
    record: Record, previous: x509.CertificateRevocationList | None
) -> Iterator[x509.RevokedCertificate]:
    for entry in record:
        if entry.revocation is not None and not _was_listed_after_expiry(entry, previous):
            yield _revoked(entry.serial_number, entry.revocation.at, entry.revocation.reason)


def _was_listed_after_expiry(
    entry: Issued, previous: x509.CertificateRevocationList | None
) -> bool:
    if previous is None or entry.revocation is None:
        return False
    return max(entry.revocation.at, entry.not_after) < previous.last_update_utc


def _revoked(serial_number: int, at: datetime, reason: Reason) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(serial_number).revocation_date(at)
    if reason is not Reason.UNSPECIFIED:  # section 5.3.1: unspecified is said by saying nothing
        flag = x509.ReasonFlags(reason.value)
        builder = builder.add_extension(x509.CRLReason(flag), critical=False)
    return builder.build()
