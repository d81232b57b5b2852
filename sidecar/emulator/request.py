"""A request exactly as it was received: signatures are checked over these bytes."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl
from wsgiref.types import WSGIEnvironment

from sidecar.emulator.json_text import from_json

# Where the listener leaves the header lines, which a WSGI environment alone would have merged.
HEADERS_KEY: Final = "emulator.headers"
_MAX_BODY_BYTES: Final = 64 * 1024 * 1024


class Unreadable(Exception):
    """The body cannot be read; `status` says in which way."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: path and query undecoded, header lines in the order they came."""

    method: str
    raw_path: str
    raw_query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    environ: WSGIEnvironment = field(default_factory=dict, repr=False, compare=False)

    def header_values(self, name: str) -> list[str]:
        """Every value of one header, in the order received."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str:
        """All values of one header joined with commas; empty when it was not sent."""
        return ",".join(self.header_values(name))

    @property
    def body_sha256(self) -> str:
        """The hash of the body in lower-case hex."""
        return hashlib.sha256(self.body).hexdigest()

    def query_pairs(self) -> list[tuple[str, str]]:
        """The query string's parameters, decoded, in the order received."""
        return parse_qsl(self.raw_query, keep_blank_values=True)

    def form(self) -> dict[str, str]:
        """The parameters of AWS's query protocol, from the query string and a form body."""
        pairs = self.query_pairs()
        if self.header("Content-Type").startswith("application/x-www-form-urlencoded"):
            pairs += parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return dict(pairs)

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; empty when there is none or it is something else."""
        try:
            parsed = from_json(self.body)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}


def read_request(environ: WSGIEnvironment) -> Request:
    """Take a request out of its WSGI environment, the body read whole.

    Raises:
        Unreadable: more than 64 MiB, or a length or chunks that make no sense.
    """
    path, _, query = str(environ["RAW_URI"]).partition("?")
    return Request(
        method=environ["REQUEST_METHOD"],
        raw_path=path,
        raw_query=query,
        headers=environ.get(HEADERS_KEY, ()),
        body=_read_body(environ),
        environ=environ,
    )


def _read_body(environ: WSGIEnvironment) -> bytes:
    try:
        # A chunked body ends by itself; reading one byte too many shows that it is too large.
        chunked = bool(environ.get("wsgi.input_terminated"))
        size = _MAX_BODY_BYTES + 1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
        if not chunked and size > _MAX_BODY_BYTES:
            raise Unreadable(413, "the body is larger than 64 MiB")
        body: bytes = environ["wsgi.input"].read(max(size, 0))
    except (ValueError, OSError) as error:
        raise Unreadable(400, "the body cannot be read") from error
    if len(body) > _MAX_BODY_BYTES:
        raise Unreadable(413, "the body is larger than 64 MiB")
    return body
