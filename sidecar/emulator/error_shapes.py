"""How each of AWS's protocols writes an error."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from xml.sax.saxutils import escape


class Protocol(Enum):
    """The families that differ in how an error looks."""

    JSON = "json"
    REST_JSON = "rest-json"
    QUERY = "query"
    EC2 = "ec2"
    S3 = "s3"
    REST_XML = "rest-xml"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that the emulator itself writes."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class AwsError(Exception):
    """An error as a client of AWS sees it: HTTP status, code, message.

    `details` are further elements that S3 adds to its error documents, `headers` further lines.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def json_response(status: int, value: object) -> Response:
    """Answer with a JSON document."""
    return Response(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def render_error(error: AwsError, protocol: Protocol) -> Response:
    """Write an error in a protocol's own shape."""
    request_id = str(uuid.uuid4())
    if protocol in _JSON_TYPES:
        return _json_error(error, protocol, request_id)
    template = _XML[protocol]
    body = template.format(
        code=escape(error.code),
        message=escape(error.message),
        fault="Sender" if error.status < 500 else "Receiver",  # noqa: PLR2004 - 5xx is ours
        details="".join(f"<{key}>{escape(text)}</{key}>" for key, text in error.details.items()),
        request_id=request_id,
    )
    headers = {
        "Content-Type": _XML_TYPE[protocol],
        _REQUEST_ID_HEADER[protocol]: request_id,
        **error.headers,
    }
    return Response(error.status, body.encode(), headers)


def _json_error(error: AwsError, protocol: Protocol, request_id: str) -> Response:
    value = {"message": error.message}
    if protocol is Protocol.JSON:
        value = {"__type": error.code, **value}
    headers = {
        "Content-Type": _JSON_TYPES[protocol],
        "x-amzn-ErrorType": error.code,
        "x-amzn-RequestId": request_id,
        **error.headers,
    }
    return Response(error.status, json.dumps(value).encode(), headers)


_JSON_TYPES: Final = {
    Protocol.JSON: "application/x-amz-json-1.1",
    Protocol.REST_JSON: "application/json",
}
_XML_TYPE: Final = {
    Protocol.QUERY: "text/xml",
    Protocol.EC2: "text/xml;charset=UTF-8",
    Protocol.S3: "application/xml",
    Protocol.REST_XML: "text/xml",
}
_REQUEST_ID_HEADER: Final = {
    Protocol.QUERY: "x-amzn-RequestId",
    Protocol.EC2: "x-amzn-RequestId",
    Protocol.S3: "x-amz-request-id",
    Protocol.REST_XML: "x-amzn-RequestId",
}
_QUERY_ERROR: Final = (
    "<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message>"
    "</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
)
_XML: Final = {
    Protocol.QUERY: _QUERY_ERROR,
    Protocol.REST_XML: _QUERY_ERROR,
    Protocol.EC2: (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{code}</Code>'
        "<Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID>"
        "</Response>"
    ),
    Protocol.S3: (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        "<Message>{message}</Message>{details}<RequestId>{request_id}</RequestId></Error>"
    ),
}
