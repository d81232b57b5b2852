"""The token that a request shows in `Authorization`, and the guard that wants the admin door's."""

import ipaddress
from collections.abc import Collection
from typing import Final

from aiohttp import web

from sidecar.access.refused import TokenNotAccepted
from sidecar.access.tokens import AppTokens
from sidecar.web.answer import Refusal
from sidecar.web.guards import Guard, local_host

_BEARER: Final = b"bearer "


def token_of(request: web.BaseRequest) -> bytes:
    """Read the token: raw, as SDKs send it, or after ``Bearer``.

    Raises:
        TokenNotAccepted: there is none, or more than one.

    """
    given = request.headers.getall("Authorization", [])
    if len(given) != 1:
        count = "no" if not given else "more than one"
        raise TokenNotAccepted(f"{count} Authorization header")
    token = given[0].encode("utf-8", "surrogateescape")
    return token[len(_BEARER) :] if token[: len(_BEARER)].lower() == _BEARER else token


def token_wanted(tokens: AppTokens, open_on_loopback: Collection[str]) -> Guard:
    """Make a guard that wants a token.

    Args:
        tokens: what is accepted.
        open_on_loopback: paths that a connection to a loopback address gets without one.

    """

    def guard(request: web.BaseRequest) -> Refusal | None:
        path = request.raw_path.partition("?")[0]
        if path in open_on_loopback and ipaddress.ip_address(local_host(request)).is_loopback:
            return None
        try:
            if tokens.app_for(token_of(request)) is not None:
                return None
            why = "the token in Authorization is not this door's"
        except TokenNotAccepted as exc:
            why = exc.reason
        return Refusal(401, "Unauthorized", why, {"WWW-Authenticate": "Bearer"})

    return guard
