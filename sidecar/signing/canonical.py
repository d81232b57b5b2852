"""The canonical request and string to sign of Signature Version 4, shared by every algorithm.

Rules: AWS IAM user guide, "Create a signed AWS API request"; Roles Anywhere user guide, "Signing
process" (the same form, other algorithm names). Inputs are what goes over the wire, so that the
side that signs and a side that verifies can both use this.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_UNRESERVED: Final = "-_.~"
TERMINATOR: Final = "aws4_request"


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """A request as it goes over the wire.

    ``method`` is in capitals, ``target`` is path and query percent-encoded, ``headers`` are name
    and value pairs in order.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for: one day, one region, one service."""

    day: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/{TERMINATOR}"


def amz_date(moment: datetime) -> str:
    """Write a moment as ``X-Amz-Date`` wants it: ``YYYYMMDDTHHMMSSZ``."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def payload_hash(body: bytes) -> str:
    """Hash a body as canonical requests want it: lower-case hex SHA-256."""
    return hashlib.sha256(body).hexdigest()


def canonical_request(request: Request, signed_headers: Sequence[str]) -> str:
    """Put a request into the one form that both sides hash.

    Args:
        request: what is sent; repeated header names are joined with commas in the order sent.
        signed_headers: lower-case names to cover, sorted; a name that is not there counts as empty.

    """
    path, _, query = request.target.partition("?")
    values = _canonical_headers(request.headers)
    lines = [f"{name}:{values.get(name, '')}\n" for name in signed_headers]
    return "\n".join(
        (
            request.method,
            canonical_path(path),
            canonical_query(query),
            "".join(lines),
            ";".join(signed_headers),
            payload_hash(request.body),
        )
    )


def string_to_sign(algorithm: str, date: str, scope: Scope, canonical: str) -> bytes:
    """Give the bytes that a key signs; `date` is the value of ``X-Amz-Date``."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{algorithm}\n{date}\n{scope}\n{digest}".encode()


def canonical_path(path: str) -> str:
    """Normalise a path as sent and encode it once more, as every service but S3 wants it.

    RFC 3986, 5.2.4, would end ``/a/b/..`` with a slash. botocore does not, and nobody else's
    signature of such a path can be verified by another rule than the signer's own.
    """
    return quote(_without_dot_segments(path), safe="/" + _UNRESERVED)


def canonical_query(query: str) -> str:
    """Sort a query string as sent by name, then value, in one strict percent-encoding."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(
        f"{name}={value}"
        for name, value in sorted((_strict(name), _strict(value)) for name, _, value in pairs)
    )


def _strict(text: str) -> str:
    # A literal "+" stays one: SigV4 knows percent-encoding only, not HTML form encoding.
    return quote(unquote_to_bytes(text), safe=_UNRESERVED)


def _without_dot_segments(path: str) -> str:
    """Resolve ``.`` and ``..`` and fold empty segments, keeping a trailing slash."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    trailing = "/" if kept and path.endswith("/") else ""
    return "/" + "/".join(kept) + trailing


def _canonical_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(" ".join(value.split()))
    return {name: ",".join(each) for name, each in values.items()}
