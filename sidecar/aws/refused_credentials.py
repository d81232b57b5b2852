"""The codes by which AWS says that it does not know, or no longer knows, the credentials."""

from typing import Final

# Not those about a signature or its date: a wrong clock, or a proxy that rewrites requests, spoils
# what new credentials sign just as well.
CREDENTIALS_REFUSED: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    }
)
