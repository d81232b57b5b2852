"""The HTTP client for what boto3 cannot call: TLS, proxies and nothing that changes a request."""

import os
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from sidecar import __version__
from sidecar.errors import OperatorError

_CONNECTIONS: Final = 4


def http_client(
    ca_bundle: Path | None, *, verify: bool = True, connections: int = _CONNECTIONS
) -> aiohttp.ClientSession:
    """Make a client session; it must be closed by who asked for it.

    It keeps no cookies and does not read ``.netrc``, whose entries would replace a signature.

    Args:
        ca_bundle: PEM file with the CAs to trust, or None for the system's.
        verify: whether to check the server's certificate at all.
        connections: how many requests may be under way at once; further ones wait.

    Raises:
        OperatorError: the bundle cannot be read.

    """
    return client_over(tls_context(ca_bundle, verify=verify), connections=connections)


def client_over(
    context: ssl.SSLContext, *, connections: int = _CONNECTIONS
) -> aiohttp.ClientSession:
    """Make such a client session with TLS settings that were made before."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"credential-sidecar/{__version__}"},
        auto_decompress=True,
    )


class TooLong(aiohttp.ClientPayloadError):
    """An answer that no service gives."""


async def bounded_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Read a body of up to `most` bytes; the limit keeps a broken proxy from filling the memory.

    Raises:
        TooLong: there is more.

    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise TooLong("the answer is far too long")
    return bytes(body)


def why_no_answer(exc: Exception) -> str:
    """Say what happened in words that cannot quote more than that: no URL, no header, no body."""
    if isinstance(exc, aiohttp.ClientConnectorCertificateError):
        return str(exc.certificate_error)
    if isinstance(exc, aiohttp.ClientConnectorDNSError):
        return (exc.os_error.strerror or "its name is not known").lower()
    if isinstance(exc, aiohttp.ClientConnectorError) and exc.os_error.errno:
        return os.strerror(exc.os_error.errno).lower()
    if isinstance(exc, aiohttp.ClientResponseError):
        return f"a proxy answered with status {exc.status}"
    if isinstance(exc, TimeoutError):
        return "it did not answer in time"
    return exc.args[0] if isinstance(exc, TooLong) else type(exc).__name__


def tls_context(ca_bundle: Path | None, *, verify: bool = True) -> ssl.SSLContext:
    """Make the TLS settings towards AWS: version 1.2 or newer; arguments as for `http_client`.

    Raises:
        OperatorError: the bundle cannot be read.

    """
    try:
        context = ssl.create_default_context(cafile=None if ca_bundle is None else str(ca_bundle))
    except OSError as exc:
        raise OperatorError(
            f"CA bundle {ca_bundle} cannot be used: {exc.strerror or exc}",
            hint="aws.ca_bundle (or AWS_CA_BUNDLE) must name a readable PEM file",
        ) from exc
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's address, and the user and password for it apart: addresses end up in messages."""

    url: URL
    headers: Mapping[str, str] = field(repr=False)


def proxy_for(url: URL) -> Proxy | None:
    """Find the proxy that the environment wants for `url` (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)."""
    if url.host is None or urllib.request.proxy_bypass(url.host_port_subcomponent or url.host):
        return None
    configured = urllib.request.getproxies().get(url.scheme)
    if not configured:
        return None
    try:
        # Without a scheme, as curl and botocore take it too.
        address = URL(configured if "://" in configured else f"http://{configured}")
        if address.host is None:
            raise ValueError  # noqa: TRY301 - the same sentence for both
    except ValueError:
        # Not repeated: it may hold a password.
        raise OperatorError(
            f"the proxy for {url.scheme} in the environment is not a URL",
            hint=f"{url.scheme.upper()}_PROXY must be such as http://proxy.example:3128",
        ) from None
    headers = {}
    if address.user is not None:
        basic = aiohttp.encode_basic_auth(address.user, address.password or "")
        headers["Proxy-Authorization"] = basic
    return Proxy(address.with_user(None), headers)
