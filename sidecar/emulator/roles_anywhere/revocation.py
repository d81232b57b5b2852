"""Whether certificates of a path have been revoked, by the lists that were imported.

Rules: RFC 5280, section 6.3, for complete lists that each authority signs itself. There is no fetch
of distribution points and no OCSP, as at AWS (user guide, "Revocation").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sidecar.emulator.roles_anywhere.certificates import may_sign_crls


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list, and the name under which it was imported."""

    arn: str
    crl: x509.CertificateRevocationList

    def is_current(self, now: datetime) -> bool:
        """Whether `now` is between its two dates; without the second it never expires."""
        ends = self.crl.next_update_utc
        return self.crl.last_update_utc <= now and (ends is None or now <= ends)

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether it lists the certificate's serial number, for whatever reason."""
        serial = certificate.serial_number
        return self.crl.get_revoked_certificate_by_serial_number(serial) is not None


@dataclass(frozen=True, slots=True)
class Revocation:
    """The enabled lists of a trust anchor, and whether all of an issuer's may be out of date."""

    lists: Sequence[RevocationList] = ()
    accept_outdated: bool = False

    def problem(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> str:
        """Say why a certificate is not good by the lists of its issuer; empty when it is.

        A list out of date still revokes what it names. A namesake of the issuer with another key
        may have lists too, but then one must be there that this issuer signed.
        Does not check certificates whose issuer has no list.
        """
        named = self._of(issuer)
        if not named:
            return ""
        if not may_sign_crls(issuer):
            return "Untrusted certificate. Issuer may not sign revocation lists"
        signed = [each for each in named if is_signed_by(each.crl, issuer)]
        if not signed:
            return "Untrusted certificate. Revocation list is not signed by the issuer"
        if any(each.names(certificate) for each in signed):
            return "Untrusted certificate. Certificate has been revoked"
        if not (self.accept_outdated or any(each.is_current(now) for each in signed)):
            return "Untrusted certificate. Revocation list is out of date"
        return ""

    def outdated(self, path: Sequence[x509.Certificate], now: datetime) -> tuple[str, ...]:
        """The ARNs of the lists that a path was judged by although they are out of date."""
        used = (each for issuer in path[1:] for each in self._of(issuer))
        return tuple(each.arn for each in used if not each.is_current(now))

    def _of(self, issuer: x509.Certificate) -> list[RevocationList]:
        return [each for each in self.lists if each.crl.issuer == issuer.subject]


def read_lists(pems: Iterable[tuple[str, bytes]]) -> tuple[RevocationList, ...]:
    """Read imported lists, given as ARN and PEM."""
    return tuple(RevocationList(arn, x509.load_pem_x509_crl(pem)) for arn, pem in pems)


def is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether this issuer's key signed the list; does not check its name or key usage."""
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False
