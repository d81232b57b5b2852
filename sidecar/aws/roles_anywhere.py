"""Asking IAM Roles Anywhere for a session."""

import asyncio
import os
import ssl
from typing import Final

import aiohttp
from yarl import URL

from sidecar.aws.http import proxy_for
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamUnavailable
from sidecar.signing.create_session import (
    Reply,
    SessionParameters,
    build_request,
    parse_reply,
)
from sidecar.signing.x509 import CertifiedKey

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15, connect=5)
# The reply is a few kilobytes; the limit keeps a broken proxy from filling the memory.
_MAX_REPLY_BYTES: Final = 256_000


class RolesAnywhere:
    """CreateSession over HTTP, one attempt a call; whoever calls decides on trying again.

    Args:
        http: the client session to send with.
        endpoint: base URL of the service.
        region: region of the trust anchor.
        clock: the wall clock that signatures are dated by.

    """

    def __init__(
        self, http: aiohttp.ClientSession, *, endpoint: str, region: str, clock: Clock
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._region = region
        self._clock = clock

    async def create_session(self, parameters: SessionParameters, key: CertifiedKey) -> Credentials:
        """Trade a signature for temporary credentials.

        Raises:
            UpstreamRefused: AWS said no.
            UpstreamUnavailable: there was no answer, or one that asks to come back.

        """
        now = self._clock.now()
        request = await asyncio.to_thread(
            build_request,
            parameters,
            endpoint=self._endpoint,
            region=self._region,
            key=key,
            now=now,
        )
        url = URL(self._endpoint.rstrip("/") + request.target, encoded=True)
        proxy = proxy_for(url)
        try:
            async with self._http.post(
                url,
                data=request.body,
                headers=request.headers,
                timeout=_TIMEOUT,
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
                allow_redirects=False,
            ) as response:
                body = await _bounded_body(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _no_answer(self._endpoint, exc) from exc
        reply = Reply(response.status, response.headers, body)
        return parse_reply(reply, parameters, now=self._clock.now())


class _TooLong(aiohttp.ClientPayloadError):
    """An answer that no AWS service gives."""


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_REPLY_BYTES:
            raise _TooLong("the answer is far too long")
    return bytes(body)


def _no_answer(endpoint: str, exc: Exception) -> UpstreamUnavailable:
    if isinstance(exc, aiohttp.ClientConnectorCertificateError | ssl.SSLError):
        hint = "set AWS_CA_BUNDLE to the CA that signs this endpoint or a proxy in between"
    else:
        hint = "check the network, the proxy and the endpoint"
    return UpstreamUnavailable(f"no answer from {endpoint}: {_reason(exc)}", hint=hint)


def _reason(exc: Exception) -> str:
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
    return exc.args[0] if isinstance(exc, _TooLong) else type(exc).__name__
