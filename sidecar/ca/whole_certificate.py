"""Reading all of a certificate at once, so that a malformed one fails where its file is named."""

from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.exceptions import InternalError, UnsupportedAlgorithm

# What the library raises on certificates and requests that are not what they should be, or hold
# what it does not know. Some of these are no ValueError.
MALFORMED: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InternalError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def parse_fully(certificates: Iterable[x509.Certificate]) -> None:
    """Read now what cryptography reads only when it is asked for.

    Not read: the public key, which may be of a kind that nobody here needs to know.

    Raises:
        one of `MALFORMED`.

    """
    for each in certificates:
        _ = (each.version, each.subject, each.issuer, each.extensions)
        _ = (each.not_valid_before_utc, each.not_valid_after_utc)
