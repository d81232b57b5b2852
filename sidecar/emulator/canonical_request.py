"""The canonical form of a received request, as Signature Version 4 and its X.509 sister sign it.

Written from AWS's "Create a signed AWS API request" (IAM user guide) and from the signing page of
the IAM Roles Anywhere user guide, for the receiving side: it starts from the bytes on the wire.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from sidecar.emulator.request import Request

EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class CanonicalForm:
    """How one request is to be put into canonical form.

    `encode_path_twice` is true for every service but S3; `without` names query parameters that are
    not signed (a presigned URL's own signature).
    """

    signed_headers: tuple[str, ...]
    payload_hash: str
    encode_path_twice: bool = True
    without: tuple[str, ...] = ()

    def of(self, request: Request) -> str:
        """Write the canonical request."""
        lines = [f"{name}:{canonical_value(request, name)}" for name in self.signed_headers]
        return "\n".join(
            [
                request.method,
                canonical_path(request.raw_path, twice=self.encode_path_twice),
                canonical_query(request.raw_query, without=self.without),
                *lines,
                "",
                ";".join(self.signed_headers),
                self.payload_hash,
            ]
        )


def string_to_sign(algorithm: str, amz_date: str, scope: str, canonical: str) -> str:
    """Write the string that is signed: algorithm, date, scope, hash of the canonical request."""
    return "\n".join([algorithm, amz_date, scope, hashlib.sha256(canonical.encode()).hexdigest()])


def canonical_value(request: Request, name: str) -> str:
    """One header's values trimmed, inner white space collapsed, joined by commas as received."""
    return ",".join(_SPACES.sub(" ", value.strip()) for value in request.header_values(name))


def canonical_path(raw_path: str, *, twice: bool) -> str:
    """Encode a path: once, and once more over the normalised result for all services but S3."""
    if not twice:
        return quote(unquote_to_bytes(raw_path), safe="/~") or "/"
    return quote(_normalised(raw_path), safe="/~")


def canonical_query(raw_query: str, *, without: Iterable[str] = ()) -> str:
    """Encode every name and value strictly, then sort by name and value."""
    pairs = []
    for part in raw_query.split("&"):
        name, _, value = part.partition("=")
        if part and unquote_to_bytes(name).decode("latin-1") not in without:
            pairs.append((_reencoded(name), _reencoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _reencoded(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="~")


def _normalised(path: str) -> str:
    """Remove empty and dot segments (RFC 3986, 5.2.4), keeping a trailing slash."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == ".." and kept:
            kept.pop()
        elif segment not in {"", ".", ".."}:
            kept.append(segment)
    ends_open = path.endswith(("/", "/.", "/..")) and bool(kept)
    return "/" + "/".join(kept) + ("/" if ends_open else "")
