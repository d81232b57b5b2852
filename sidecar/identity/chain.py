"""Which certificates belong together: the leaf by its key, its issuers by their signatures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    certificates: Sequence[x509.Certificate], public_key: PublicKey, now: datetime | None = None
) -> x509.Certificate | None:
    """Find the certificate of a key; of several, as after a renewal, the best.

    One that an authority issued goes before a self-signed placeholder, one that is valid now before
    one that is not, as yet or any more; after that the longest valid.

    Args:
        certificates: those to choose among.
        public_key: of the key.
        now: this moment; None if it does not matter.

    """

    def rank(each: x509.Certificate) -> tuple[bool, bool, datetime]:
        starts, ends = each.not_valid_before_utc, each.not_valid_after_utc
        return not is_self_signed(each), now is None or starts <= now <= ends, ends

    own = [each for each in certificates if same_key(each, public_key)]
    return max(own, key=rank, default=None)


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
