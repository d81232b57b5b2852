"""Refusals in the shape of AWS's JSON 1.1 protocol, so that SDKs raise what they would for AWS."""

import json
import logging
from typing import Final
from uuid import uuid4

from aiohttp import web

from sidecar.errors import (
    CallerError,
    Forbidden,
    SidecarError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from sidecar.signing.not_authentic import NotAuthentic
from sidecar.signing.throttling import THROTTLING
from sidecar.web.answer import Refusal, answer

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/x-amz-json-1.1"
ACCESS_DENIED: Final = "AccessDeniedException"

_CLIENT_ERROR: Final = 400
_UNAVAILABLE: Final = 503
_INTERNAL: Final = 500


class ApiError(CallerError):
    """A request that AWS would refuse as well.

    Args:
        code: AWS's code for it.
        message: what is wrong.

    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def validation_error(message: str) -> ApiError:
    """Say that a member of the request is missing or wrong."""
    return ApiError("ValidationException", message)


def refusal_of(exc: SidecarError) -> Refusal:
    """Name a failure as the services do.

    Client errors have status 400 (Smithy, "AWS JSON 1.1 protocol"). Whatever may pass is a 503,
    which every SDK tries again; AWS's code is kept there for throttling only: that the sidecar's
    own session has expired must not look as if the caller's had.
    """
    match exc:
        case ApiError() | NotAuthentic():
            return Refusal(_CLIENT_ERROR, str(exc.code), exc.message)
        case Forbidden():
            return Refusal(_CLIENT_ERROR, ACCESS_DENIED, exc.message)
        case UpstreamRefused() if exc.code:
            return Refusal(exc.status or _CLIENT_ERROR, exc.code, exc.message)
        case UpstreamUnavailable() if exc.code in THROTTLING:
            return Refusal(exc.status or _CLIENT_ERROR, exc.code, exc.message)
    log.warning("the aws-api door has no answer: %s", exc.message)
    if exc.retryable:
        message = f"the sidecar has no answer of AWS at the moment: {exc.message}"
        return Refusal(_UNAVAILABLE, "ServiceUnavailableException", message)
    return Refusal(_INTERNAL, "InternalServiceError", f"the sidecar failed: {exc.message}")


def written(refusal: Refusal) -> web.Response:
    """Write a refusal."""
    body = {"__type": refusal.code, "message": refusal.message}
    return json_answer(refusal.status, json.dumps(body).encode(), **refusal.headers)


def json_answer(status: int, body: bytes, **headers: str) -> web.Response:
    """Write an answer of the sidecar's own; further headers by their names."""
    own = {"x-amzn-RequestId": str(uuid4()), **headers}
    return answer(status, body, CONTENT_TYPE, headers=own)
