"""Which certificates belong together: the leaf by its key, its issuers by their signatures."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from sidecar.ca.path import is_self_signed, issued_by, issuers_above
from sidecar.identity.identity import same_key
from sidecar.identity.signing_key import PublicKey


@dataclass(frozen=True, slots=True)
class Chain:
    """What of a heap of certificates lies above a leaf, and what does not.

    Args:
        issuers: from the leaf's own upwards, without a self-signed root.
        left_out: those that issued nothing on this path, in the order in which they were found.

    """

    issuers: tuple[x509.Certificate, ...]
    left_out: tuple[x509.Certificate, ...]


def find_leaf(
    certificates: Sequence[x509.Certificate], public_key: PublicKey
) -> x509.Certificate | None:
    """Find the certificate of a key; of several, as after a renewal, the longest valid."""
    own = [each for each in certificates if same_key(each, public_key)]
    return max(own, key=lambda each: each.not_valid_after_utc, default=None)


def chain_above(leaf: x509.Certificate, pool: Sequence[x509.Certificate]) -> Chain:
    """Order the leaf's issuers.

    Where several of one issuer fit, as after its renewal, the longest valid is taken. A root is not
    sent, but the same authority's certificate by another authority is.

    Args:
        leaf: where the path begins.
        pool: what was found beside it, in any order; the leaf itself may be among it.

    """
    others = [each for each in dict.fromkeys(pool) if each != leaf]
    issuers = issuers_above(leaf, [each for each in others if not is_self_signed(each)])
    path = (leaf, *issuers)
    left_out = (
        each
        for each in others
        if each not in issuers and not any(issued_by(below, each) for below in path)
    )
    return Chain(issuers, tuple(left_out))
