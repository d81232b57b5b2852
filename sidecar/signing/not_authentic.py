"""Why a signed request is not believed, in the codes of AWS's JSON services."""

from enum import StrEnum

from sidecar.errors import Unauthenticated


class Code(StrEnum):
    """The error codes ("Common errors" of the services' API references) that SDKs know."""

    MISSING = "MissingAuthenticationTokenException"
    INCOMPLETE = "IncompleteSignatureException"
    UNRECOGNIZED = "UnrecognizedClientException"
    EXPIRED = "ExpiredTokenException"
    INVALID = "InvalidSignatureException"


class NotAuthentic(Unauthenticated):
    """A request that nobody who is known here signed like this.

    Args:
        code: what SDKs look at.
        message: what is wrong; it quotes neither a signature nor a token.

    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
