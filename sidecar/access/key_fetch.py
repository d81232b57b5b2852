"""Asking an issuer for its keys over HTTP: one GET, nothing followed, nothing long."""

import ssl
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from sidecar.access.kept_key_set import Fetch
from sidecar.access.key_set import MAX_KEY_SET_BYTES
from sidecar.aws.http import bounded_body, client_over, proxy_for, why_no_answer
from sidecar.errors import OperatorError, UpstreamUnavailable
from sidecar.redaction import Secret
from sidecar.regular_file import read_regular_file

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)
_SUCCESS: Final = 200
_LONGEST_BEARER: Final = 16 * 1024


def key_fetch(url: str, context: ssl.SSLContext, bearer_token_file: Path | None) -> Fetch:
    """Make what asks at an address.

    Args:
        url: https, or http on this machine.
        context: the TLS settings.
        bearer_token_file: file with a token to show there, such as that of a pod's own service
            account; read for each request, since it is renewed.

    """

    async def fetch() -> bytes:
        headers = {"Accept": "application/json, application/jwk-set+json"}
        if bearer_token_file is not None:
            headers["Authorization"] = f"Bearer {_bearer(bearer_token_file).reveal()}"
        try:
            async with client_over(context, connections=1) as http:
                return await _body(http, URL(url), headers)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise UpstreamUnavailable(f"gave no answer: {why_no_answer(exc)}") from None
        except ValueError:  # a host such as a..b, which the libraries find out about only now
            raise OperatorError("cannot be asked: its address is none") from None

    return fetch


async def _body(http: aiohttp.ClientSession, url: URL, headers: dict[str, str]) -> bytes:
    # What is on this machine is not asked for through another one.
    proxy = proxy_for(url) if url.scheme == "https" else None
    async with http.get(
        url,
        headers=headers,
        timeout=_TIMEOUT,
        proxy=proxy.url if proxy else None,
        proxy_headers=proxy.headers if proxy else None,
        allow_redirects=False,
    ) as response:
        if response.status != _SUCCESS:
            raise UpstreamUnavailable(f"answered with status {response.status}")
        return await bounded_body(response, MAX_KEY_SET_BYTES)


def _bearer(path: Path) -> Secret:
    try:
        content, _ = read_regular_file(path, _LONGEST_BEARER + 1)
    except OSError as exc:
        raise OperatorError(f"wants a token, and {path} cannot be read: {exc.strerror}") from exc
    token = content.decode("ascii", errors="replace").strip()
    if not token or len(token) > _LONGEST_BEARER or not all("!" <= each <= "~" for each in token):
        raise OperatorError(f"wants a token, and {path} holds none")
    return Secret(token)
