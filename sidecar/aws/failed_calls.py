"""What the failure of a call through boto3 means for whoever asked."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import botocore.exceptions

from sidecar.aws.boto_client import TIMEOUTS
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.errors import (
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from sidecar.signing.throttling import THROTTLING, TOO_MANY_REQUESTS

log = logging.getLogger(__name__)

# Codes that a later attempt may not meet again; AWS sends most of them with status 400. Those about
# a signature's date are among them, since a clock may be set.
_PASSING_CODES: Final = (
    THROTTLING
    | CREDENTIALS_REFUSED
    | {
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "InternalServiceErrorException",
        "InvalidSignatureException",
        "KmsThrottled",
        "OverLimit",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SignatureDoesNotMatch",
    }
)
_SERVER_ERROR: Final = 500
# Their sentences name the address and the reason; any other's may quote the answer's body.
_NO_CONNECTION: Final = (
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.ConnectionError,
    OSError,
)


def refused(code: str, message: str, status: int) -> UpstreamError:
    """Give the error for a code of AWS's; its sentence is AWS's own, for the one who asked."""
    passing = status >= _SERVER_ERROR or status == TOO_MANY_REQUESTS or code in _PASSING_CODES
    kind = UpstreamUnavailable if passing else UpstreamRefused
    return kind(message, status=status, code=code)


def failed(exc: Exception, call: str) -> UpstreamError:
    """Give the error for whatever a call raised, and log it unless AWS has answered.

    Args:
        exc: what was raised, by botocore or by reading the answer.
        call: what the log says was asked, such as ``Secrets Manager to GetSecretValue of a``.

    """
    if isinstance(exc, botocore.exceptions.ClientError):
        return _answered(exc.response, call)
    no_connection = isinstance(exc, _NO_CONNECTION)
    log.warning("no answer from %s: %s", call, exc if no_connection else type(exc).__name__)
    if isinstance(exc, TIMEOUTS):
        return UpstreamTimeout("Timeout", code="TimeoutError")
    return _unreachable("Read Error") if no_connection else unreadable()


def unreadable() -> UpstreamUnreachable:
    """Give the error for an answer that is none of AWS's, or leaves out what was asked."""
    return _unreachable("Response Error")


def _answered(response: Mapping[str, Any], call: str) -> UpstreamError:
    error = response.get("Error", {})
    code, message = error.get("Code", ""), error.get("Message", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # botocore's stand-in for the code is the status.
    from_aws = isinstance(code, str) and code and not code.isdecimal() and isinstance(message, str)
    if not from_aws:
        log.warning("no answer of AWS from %s: status %d", call, status)
        return unreadable()
    return refused(code, message, status)


def _unreachable(message: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(message, code="ConnectionError")
