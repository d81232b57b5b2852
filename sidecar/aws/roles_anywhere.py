"""Asking IAM Roles Anywhere for a session."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from ipaddress import ip_address
from typing import Final

import aiohttp
from yarl import URL

from sidecar.aws.daemon_threads import DaemonThreads
from sidecar.aws.http import bounded_body, proxy_for, why_no_answer
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import IdentityError, UpstreamUnavailable
from sidecar.signing.canonical import Request
from sidecar.signing.clock_skew import ahead_of_us, refused_for_the_date
from sidecar.signing.create_session import Asked, SessionParameters, build_request
from sidecar.signing.create_session_reply import parse_reply
from sidecar.signing.http_reply import Reply
from sidecar.signing.refusal import error_of, told
from sidecar.signing.x509 import CertifiedKey

log = logging.getLogger(__name__)

# A clock that drifts further is told again.
_WORTH_TELLING: Final = timedelta(minutes=1)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15, connect=5)
# A TPM takes a second, a token behind a network a few; none of them this long.
_SIGNING_SECONDS: Final = 30.0
# The reply is a few kilobytes; the limit keeps a broken proxy from filling the memory.
_MAX_REPLY_BYTES: Final = 256_000


class RolesAnywhere:
    """CreateSession over HTTP; whoever calls decides on trying again.

    One thing is tried again here, once a call: a request that AWS refused for its date is signed
    with the time that AWS's answer gives. How far the clocks are apart is kept for later calls and
    looked at with every answer of AWS's: a session, or an error with a code of its own.

    Args:
        http: the client session to send with.
        endpoint: base URL of the service.
        region: region of the trust anchor.
        clock: the wall clock that signatures are dated by.
        verified: whether the client session checks the server's certificate.
        signing_seconds: how long a signature may take.

    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        endpoint: str,
        region: str,
        clock: Clock,
        verified: bool = True,
        signing_seconds: float = _SIGNING_SECONDS,
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._region = region
        self._clock = clock
        self._believes_dates = _is_authentic(endpoint, verified=verified)
        self._ahead = timedelta(0)
        # One, so that a device that hangs holds one thread, however often it is asked again.
        self._signer = DaemonThreads(1)
        self._signing_seconds = signing_seconds

    async def create_session(self, parameters: SessionParameters, key: CertifiedKey) -> Credentials:
        """Trade a signature for temporary credentials.

        Raises:
            IdentityError: the key did not sign, or not in time.
            UpstreamRefused: AWS said no.
            UpstreamUnavailable: there was no answer, or one that asks to come back.

        """
        reply, asked = await self._ask(parameters, key)
        ahead = self._ahead_by(reply, asked)
        code, words = error_of(reply)
        if code and ahead is not None:
            self._learn(ahead)
            if refused_for_the_date(reply, code, words, signed_at=asked.signed_at):
                reply, asked = await self._ask(parameters, key)
                ahead = self._ahead_by(reply, asked)
        if ahead is None:
            ahead = self._ahead
        session = parse_reply(reply, asked, now=self._clock.now(), ahead=ahead)
        self._learn(ahead)
        return session

    async def _ask(self, parameters: SessionParameters, key: CertifiedKey) -> tuple[Reply, Asked]:
        """Sign and send one request."""
        signed_at = self._clock.now() + self._ahead
        request = await self._in_time(
            partial(
                build_request,
                parameters,
                endpoint=self._endpoint,
                region=self._region,
                key=key,
                now=signed_at,
            )
        )
        # After signing, which may take long on a device.
        sent_at = self._clock.now()
        asked = Asked(parameters, key, self._endpoint, sent_at=sent_at, signed_at=signed_at)
        return await self._send(request), asked

    async def _in_time(self, sign: Callable[[], Request]) -> Request:
        """Sign without waiting for ever on a device that hangs."""
        try:
            async with asyncio.timeout(self._signing_seconds):
                return await self._signer.run(sign)
        except TimeoutError:
            raise IdentityError(
                f"the private key has not signed within {self._signing_seconds:g} s",
                hint="check the device that holds it; a stuck driver may need a restart",
            ) from None

    async def _send(self, request: Request) -> Reply:
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
                body = await bounded_body(response, _MAX_REPLY_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _no_answer(self._endpoint, exc) from exc
        return Reply(response.status, response.headers, body)

    def _ahead_by(self, reply: Reply, asked: Asked) -> timedelta | None:
        """Tell how far AWS's clock is ahead by a reply; None when it does not tell or may lie."""
        return ahead_of_us(reply, asked.sent_at) if self._believes_dates else None

    def _learn(self, ahead: timedelta) -> None:
        if ahead and abs(ahead - self._ahead) > _WORTH_TELLING:
            log.warning(
                "%s: this machine's clock %s; requests are dated by AWS's "
                "(hint: set the clock, by NTP)",
                self._endpoint,
                told(ahead),
            )
        self._ahead = ahead


def _is_authentic(endpoint: str, *, verified: bool) -> bool:
    """Whether what comes from there can be believed: TLS, or it never leaves this machine.

    Who can forge the date of an answer could otherwise have requests signed for a future moment,
    and use them then.
    """
    url = URL(endpoint)
    if (url.scheme == "https" and verified) or url.host == "localhost":
        return True
    try:
        return ip_address(url.host or "").is_loopback
    except ValueError:
        return False


def _no_answer(endpoint: str, exc: Exception) -> UpstreamUnavailable:
    if isinstance(exc, aiohttp.ClientConnectorCertificateError | ssl.SSLError):
        hint = "set AWS_CA_BUNDLE to the CA that signs this endpoint or a proxy in between"
    else:
        hint = "check the network, the proxy and the endpoint"
    return UpstreamUnavailable(f"no answer from {endpoint}: {why_no_answer(exc)}", hint=hint)
