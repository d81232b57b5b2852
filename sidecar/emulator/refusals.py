"""Why a request is not let in, and how each protocol says so.

The statuses and codes are those of the services' "Common errors" pages and of S3's list of error
responses. JSON services answer 400 where query and REST services answer 403.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from sidecar.emulator.error_shapes import AwsError, Protocol


class Refusal(Enum):
    """What is wrong with a request's credentials or signature."""

    UNSIGNED = "unsigned"
    INCOMPLETE = "incomplete"
    UNKNOWN_KEY = "unknown key"
    WRONG_TOKEN = "wrong token"  # noqa: S105 - the name of a refusal
    EXPIRED_TOKEN = "expired token"  # noqa: S105 - the name of a refusal
    WRONG_SIGNATURE = "wrong signature"
    SKEWED = "skewed"
    PRESIGNED_EXPIRED = "presigned expired"
    WRONG_PAYLOAD = "wrong payload"
    DENIED = "denied"


class NotLetIn(Exception):
    """A request is refused; `detail` replaces the refusal's usual sentence."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(f"{refusal.value}: {detail}")
        self.refusal = refusal
        self.detail = detail


_INVALID: Final = "The security token included in the request is invalid."
_EXPIRED: Final = "The security token included in the request is expired"
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)
_S3_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your key "
    "and signing method."
)
_NO_TOKEN: Final = "Missing Authentication Token"  # noqa: S105 - AWS's sentence
_SKEWED: Final = "The difference between the request time and the current time is too large."
_S3_UNKNOWN: Final = "The AWS Access Key Id you provided does not exist in our records."
_S3_TOKEN: Final = "The provided token is malformed or otherwise invalid."  # noqa: S105 - same
_S3_EXPIRED: Final = "The provided token has expired."
_S3_PAYLOAD: Final = "The provided 'x-amz-content-sha256' header does not match what was computed."

_Form = tuple[int, str, str]

_JSON: Final[Mapping[Refusal, _Form]] = {
    Refusal.UNSIGNED: (400, "MissingAuthenticationTokenException", _NO_TOKEN),
    Refusal.INCOMPLETE: (400, "IncompleteSignatureException", "Incomplete signature"),
    Refusal.UNKNOWN_KEY: (400, "UnrecognizedClientException", _INVALID),
    Refusal.WRONG_TOKEN: (400, "UnrecognizedClientException", _INVALID),
    Refusal.EXPIRED_TOKEN: (400, "ExpiredTokenException", _EXPIRED),
    Refusal.WRONG_SIGNATURE: (400, "InvalidSignatureException", _MISMATCH),
    Refusal.SKEWED: (400, "InvalidSignatureException", _SKEWED),
    Refusal.PRESIGNED_EXPIRED: (400, "InvalidSignatureException", "Signature expired"),
    Refusal.WRONG_PAYLOAD: (400, "InvalidSignatureException", _MISMATCH),
    Refusal.DENIED: (400, "AccessDeniedException", "Access denied"),
}
_QUERY: Final[Mapping[Refusal, _Form]] = {
    Refusal.UNSIGNED: (
        403,
        "MissingAuthenticationToken",
        "Request is missing Authentication Token",
    ),
    Refusal.INCOMPLETE: (400, "IncompleteSignature", "Incomplete signature"),
    Refusal.UNKNOWN_KEY: (403, "InvalidClientTokenId", _INVALID),
    Refusal.WRONG_TOKEN: (403, "InvalidClientTokenId", _INVALID),
    Refusal.EXPIRED_TOKEN: (403, "ExpiredToken", _EXPIRED),
    Refusal.WRONG_SIGNATURE: (403, "SignatureDoesNotMatch", _MISMATCH),
    Refusal.SKEWED: (403, "SignatureDoesNotMatch", _SKEWED),
    Refusal.PRESIGNED_EXPIRED: (403, "SignatureDoesNotMatch", "Signature expired"),
    Refusal.WRONG_PAYLOAD: (403, "SignatureDoesNotMatch", _MISMATCH),
    Refusal.DENIED: (403, "AccessDenied", "Access denied"),
}
_S3: Final[Mapping[Refusal, _Form]] = {
    Refusal.UNSIGNED: (403, "AccessDenied", "Access Denied"),
    Refusal.INCOMPLETE: (400, "AuthorizationHeaderMalformed", "The header is malformed"),
    Refusal.UNKNOWN_KEY: (403, "InvalidAccessKeyId", _S3_UNKNOWN),
    Refusal.WRONG_TOKEN: (400, "InvalidToken", _S3_TOKEN),
    Refusal.EXPIRED_TOKEN: (400, "ExpiredToken", _S3_EXPIRED),
    Refusal.WRONG_SIGNATURE: (403, "SignatureDoesNotMatch", _S3_MISMATCH),
    Refusal.SKEWED: (403, "RequestTimeTooSkewed", _SKEWED),
    Refusal.PRESIGNED_EXPIRED: (403, "AccessDenied", "Request has expired"),
    Refusal.WRONG_PAYLOAD: (400, "XAmzContentSHA256Mismatch", _S3_PAYLOAD),
    Refusal.DENIED: (403, "AccessDenied", "Access Denied"),
}
_EC2_AUTH_FAILURE: Final[_Form] = (
    401,
    "AuthFailure",
    "AWS was not able to validate the provided access credentials",
)
_EC2: Final[Mapping[Refusal, _Form]] = {
    **_QUERY,
    Refusal.UNKNOWN_KEY: _EC2_AUTH_FAILURE,
    Refusal.WRONG_TOKEN: _EC2_AUTH_FAILURE,
    Refusal.WRONG_SIGNATURE: _EC2_AUTH_FAILURE,
    Refusal.DENIED: (403, "UnauthorizedOperation", "You are not authorized"),
}
# REST services name errors as JSON services do, and answer 403 as query services do.
_REST_JSON: Final[Mapping[Refusal, _Form]] = {
    refusal: (403, code, message) for refusal, (_, code, message) in _JSON.items()
}
_FORMS: Final = {
    Protocol.JSON: _JSON,
    Protocol.REST_JSON: _REST_JSON,
    Protocol.QUERY: _QUERY,
    Protocol.REST_XML: _QUERY,
    Protocol.EC2: _EC2,
    Protocol.S3: _S3,
}


def as_aws_error(refused: NotLetIn, protocol: Protocol) -> AwsError:
    """Name a refusal as one protocol names it."""
    status, code, message = _FORMS[protocol][refused.refusal]
    return AwsError(status, code, refused.detail or message)
