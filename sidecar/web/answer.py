"""What a door sends back, and what it says when it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

# Exactly this: Go's and Kotlin's SDKs read an error body only when no charset follows.
JSON: Final = "application/json"
PLAIN: Final = "text/plain"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered: a status, a code for programs, a sentence for people.

    The hint says what to do; only doors whose error shape has room for it send it.
    """

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""


def answer(
    status: int,
    body: bytes,
    content_type: str = JSON,
    *,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Make a response that no cache keeps and no browser guesses about."""
    return web.Response(
        status=status,
        body=body,
        headers={
            "Content-Type": content_type,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Server": "credential-sidecar",
            **(headers or {}),
        },
    )
