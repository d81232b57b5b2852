"""Sending a JSON-protocol request on to AWS as it came, signed anew with other credentials."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from yarl import URL

from sidecar.aws.asker import asker
from sidecar.aws.fair_places import FairPlaces
from sidecar.aws.http import bounded_body, proxy_for
from sidecar.aws.json_api import ApiCall, ApiReply
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamTimeout, UpstreamUnavailable, UpstreamUnreachable

# botocore writes what it signs, the session token included, to its debug log.
logging.getLogger("botocore").setLevel(logging.WARNING)

# Calls at a time; those for one app alone get half of them.
PLACES: Final = 32
# Calls for one app that wait. What the aws-api door works on for one must fit in.
_MOST_WAITING: Final = 1024
_SUCCESS: Final = 200
# How long a call waits for its turn behind calls for the same app that hang.
_LONGEST_WAIT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 5.0
# Answers of both services are far smaller: 20 secrets of 64 KiB, or 50 descriptions.
_MAX_ANSWER_BYTES: Final = 10 * 1024 * 1024
# What goes on besides the prefixes: everything else is about the connection, or about who asks.
_SENT: Final = frozenset({"accept", "accept-encoding", "content-encoding", "content-type"})
_SENT_PREFIXES: Final = ("x-amz-", "x-amzn-", "amz-sdk-")
_OF_THE_SIGNATURE: Final = frozenset({"x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})
# The second is a proxy's refusal to connect.
_UNCONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
)
_RETURNED: Final = frozenset({"content-type", "content-encoding", "retry-after"})
_RETURNED_PREFIXES: Final = ("x-amz-", "x-amzn-")


class Forwarder:
    """Signs calls and sends them, once each: whoever asked decides on trying again.

    However much one app asks for, others find a place.

    Args:
        http: the client session to send with.
        endpoint_of: from a service's signing name and a region to the base URL; ValueError where
            AWS has none.
        answer_seconds: how long a call may take once it has its turn.
        longest_wait_seconds: how long a call waits for its turn.

    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoint_of: Callable[[str, str], str],
        *,
        answer_seconds: float = _ANSWER_SECONDS,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
    ) -> None:
        self._http = http
        self._endpoint_of = endpoint_of
        self._longest_wait_seconds = longest_wait_seconds
        self._places = FairPlaces(PLACES, _MOST_WAITING)
        self._timeout = aiohttp.ClientTimeout(total=answer_seconds, sock_connect=_CONNECT_SECONDS)
        self._on_refused: list[Callable[[ApiCall, Credentials], None]] = []

    def on_refused(self, listener: Callable[[ApiCall, Credentials], None]) -> None:
        """Call `listener` with a call of `send` whose credentials AWS does not know.

        It must not fail. Who uses `ask` is told by what is raised.
        """
        self._on_refused.append(listener)

    def url_of(self, call: ApiCall) -> URL:
        """Give the address that a call goes to; ValueError when there is none in its region."""
        return URL(f"{self._endpoint_of(call.service, call.region).rstrip('/')}/", encoded=True)

    async def send(self, call: ApiCall, credentials: Credentials) -> ApiReply:
        """Ask AWS.

        Raises:
            ValueError: the service has no endpoint in that region.
            UpstreamUnavailable: no answer came; what was asked for may have been done all the same,
                unless it is `NotSent`.

        """
        reply = await self._in_turn(call, credentials)
        if reply.status != _SUCCESS and reply.refusal().code in CREDENTIALS_REFUSED:
            for listener in self._on_refused:
                listener(call, credentials)
        return reply

    async def _in_turn(self, call: ApiCall, credentials: Credentials) -> ApiReply:
        url = self.url_of(call)
        async with self._turn(call):
            return await self._sent(url, call, credentials)

    async def _sent(self, url: URL, call: ApiCall, credentials: Credentials) -> ApiReply:
        proxy = proxy_for(url)
        try:
            async with self._http.post(
                url,
                data=call.body,
                headers=signed_headers(call, str(url), credentials),
                # What aiohttp would add, nobody has signed or asked for.
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type"),
                timeout=self._timeout,
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
                allow_redirects=False,
                auto_decompress=False,
            ) as response:
                body = await bounded_body(response, _MAX_ANSWER_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _no_answer(call, exc) from None
        return ApiReply(response.status, _passed_on(response.headers.items()), body)

    @asynccontextmanager
    async def _turn(self, call: ApiCall) -> AsyncIterator[None]:
        """Wait for a place, and hold it for as long as the block lasts."""
        who = asker()
        try:
            async with asyncio.timeout(self._longest_wait_seconds):
                await self._places.take(who)
        except (asyncio.QueueFull, TimeoutError):
            raise NotSent(
                f"{call.service} in {call.region} was not asked: too many calls are under way",
                hint="ask less at once",
            ) from None
        try:
            yield
        finally:
            self._places.give_back(who)

    async def ask(self, call: ApiCall, credentials: Credentials) -> bytes:
        """Ask AWS and give the body of a success.

        Raises:
            ValueError: the service has no endpoint in that region.
            UpstreamError: AWS said no, or nothing.

        """
        reply = await self._in_turn(call, credentials)
        if reply.status != _SUCCESS:
            raise reply.refusal()
        return reply.body


def signed_headers(call: ApiCall, url: str, credentials: Credentials) -> dict[str, str]:
    """Give the headers to send: those of the call that go on, and a signature over them.

    Of a repeated header the last counts. The date is botocore's, which is the machine's.
    """
    kept = {name: value for name, value in call.headers if _goes_on(name.lower())}
    request = AWSRequest(method="POST", url=url, headers=kept, data=call.body)
    keys = ReadOnlyCredentials(
        credentials.access_key_id,
        credentials.secret_access_key.reveal(),
        credentials.session_token.reveal(),
    )
    SigV4Auth(keys, call.service, call.region).add_auth(request)
    agent = next((value for name, value in call.headers if name.lower() == "user-agent"), None)
    if agent is not None:
        request.headers["User-Agent"] = agent
    return dict(request.headers.items())


def _goes_on(name: str) -> bool:
    if name in _OF_THE_SIGNATURE:
        return False
    return name in _SENT or name.startswith(_SENT_PREFIXES)


def _passed_on(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers
        if name.lower() in _RETURNED or name.lower().startswith(_RETURNED_PREFIXES)
    }


class NotSent(UpstreamUnreachable):
    """There was no turn, or no connection to send a call over: nothing of it can have been done."""


def _no_answer(call: ApiCall, exc: Exception) -> UpstreamUnavailable:
    # Only its kind: the words may quote what was answered.
    message = f"no answer from {call.service} in {call.region}: {type(exc).__name__}"
    hint = "check the network, the proxy and the endpoint"
    if isinstance(exc, _UNCONNECTED):
        return NotSent(message, hint=hint)
    kind = UpstreamTimeout if isinstance(exc, TimeoutError) else UpstreamUnreachable
    return kind(message, hint=hint)
