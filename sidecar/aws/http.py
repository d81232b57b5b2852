"""The HTTP client for what boto3 cannot call: TLS, proxies and nothing that changes a request."""

import ssl
import urllib.request
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from sidecar import __version__
from sidecar.errors import OperatorError

_CONNECTIONS: Final = 4


def http_client(ca_bundle: Path | None, *, verify: bool = True) -> aiohttp.ClientSession:
    """Make a client session; it must be closed by who asked for it.

    It keeps no cookies and does not read ``.netrc``, whose entries would replace a signature.

    Args:
        ca_bundle: PEM file with the CAs to trust, or None for the system's.
        verify: whether to check the server's certificate at all.

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
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"credential-sidecar/{__version__}"},
        auto_decompress=True,
    )


def proxy_for(url: URL) -> str | None:
    """Name the proxy that the environment wants for `url` (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)."""
    if url.host is None or urllib.request.proxy_bypass(url.host):
        return None
    return urllib.request.getproxies().get(url.scheme)
