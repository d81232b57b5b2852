"""What is wrong, or soon will be, with an identity: findings that every command shares."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from sidecar.identity.chain_checks import check_chain
from sidecar.identity.finding import Finding, Severity, warning
from sidecar.identity.identity import Identity
from sidecar.identity.key_file_checks import check_key_file
from sidecar.identity.leaf_checks import check_leaf

__all__ = ["Finding", "Severity", "check_certificates", "check_identity", "check_key_file"]

EXPIRES_SOON: Final = timedelta(days=7)
_NAMED_AT_MOST: Final = 3


def check_identity(
    identity: Identity, now: datetime, *, soon: timedelta = EXPIRES_SOON
) -> list[Finding]:
    """Check an identity against what CreateSession demands of end-entity certificates.

    Rules: IAM Roles Anywhere user guide, "Signature verification". Not checked: whether the trust
    anchor's CA issued it, whether it is revoked, and what the role's trust policy wants of it.

    Args:
        identity: what to check.
        now: the moment to check validity at.
        soon: how long before its end a certificate is said to expire soon.

    """
    return [
        *check_certificates(identity.certificate, identity.chain, now, soon=soon),
        *_left_out(identity),
        *_password(identity),
    ]


def check_certificates(
    leaf: x509.Certificate,
    chain: Sequence[x509.Certificate],
    now: datetime,
    *,
    soon: timedelta = EXPIRES_SOON,
) -> list[Finding]:
    """Check certificates as `check_identity` does, without their key.

    Args:
        leaf: the end-entity certificate.
        chain: its issuers from its own upwards, without a self-signed root.
        now: the moment to check validity at.
        soon: how long before its end a certificate is said to expire soon.

    """
    return [*check_leaf(leaf, now, soon), *check_chain(chain, now, soon)]


def _left_out(identity: Identity) -> Iterator[Finding]:
    if not identity.left_out:
        return
    names = [each.subject.rfc4514_string() or "(no subject)" for each in identity.left_out]
    shown = "; ".join(names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    top = (identity.certificate, *identity.chain)[-1].issuer.rfc4514_string()
    yield warning(
        "left-out",
        f"certificates that issued nothing on the path are left out: {shown}"
        + (f" and {more} more" if more > 0 else ""),
        f"remove them; if {top} is not the trust anchor's CA, its certificate is what is missing",
    )


def _password(identity: Identity) -> Iterator[Finding]:
    if identity.password_unused:
        yield warning(
            "password-unused",
            "a password is configured and the private key is not encrypted",
            "encrypt the key, or configure no password",
        )
