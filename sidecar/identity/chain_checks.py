"""What is wrong with the intermediates that are sent along with a certificate."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from sidecar.identity.certificate_traits import expires_soon, extension, utc, weak_hash_name
from sidecar.identity.finding import Finding, error, warning
from sidecar.signing.x509 import MAX_CHAIN_LENGTH


def check_chain(
    chain: Sequence[x509.Certificate], now: datetime, soon: timedelta
) -> Iterator[Finding]:
    """Check what a PKIX path validation will ask of the intermediates (RFC 5280, section 6).

    Not checked: signatures, and names; whoever put the chain together has seen to them.

    Args:
        chain: from the leaf's issuer upwards, without a self-signed root.
        now: the moment to check validity at.
        soon: how long before its end one is said to expire soon.

    """
    if len(chain) > MAX_CHAIN_LENGTH:
        yield error(
            "chain-length",
            f"the chain has {len(chain)} intermediates",
            f"Roles Anywhere accepts {MAX_CHAIN_LENGTH}",
        )
    for below, each in enumerate(chain):
        name = f"intermediate {each.subject.rfc4514_string()}"
        yield from _validity(each, name, now, soon)
        yield from _authority(each, name, below)
        if weak := weak_hash_name(each):
            yield error("weak-hash", f"{name} is signed with {weak}", "SHA-256 is required")


def _validity(
    issuer: x509.Certificate, name: str, now: datetime, soon: timedelta
) -> Iterator[Finding]:
    if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        yield error("chain-validity", f"{name} is not valid now", "renew it")
    elif expires_soon(issuer, now, soon):
        yield warning(
            "chain-expires-soon",
            f"{name} expires at {utc(issuer.not_valid_after_utc)}",
            "renew it now, and with it what it has issued",
        )


def _authority(issuer: x509.Certificate, name: str, below: int) -> Iterator[Finding]:
    """Check that it may issue certificates, with `below` intermediates under it."""
    basic = extension(issuer, x509.BasicConstraints)
    usage = extension(issuer, x509.KeyUsage)
    if basic is None or not basic.ca:
        yield error("chain-ca", f"{name} is no CA (CA:true is missing)", "issue the leaf by a CA")
    elif basic.path_length is not None and basic.path_length < below:
        yield error(
            "path-length",
            f"{name} allows {basic.path_length} intermediates below it and has {below}",
            "issue it again with a greater path length, or the leaf further up",
        )
    if usage is not None and not usage.key_cert_sign:
        yield error(
            "chain-key-usage",
            f"{name} lacks key usage keyCertSign",
            "issue it again with keyUsage=keyCertSign",
        )
