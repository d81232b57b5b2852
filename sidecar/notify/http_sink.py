"""Notices over HTTP: one POST, nothing followed, and the address in no error and no log."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from sidecar.aws.http import bounded_body, proxy_for, why_no_answer
from sidecar.clock import Clock
from sidecar.errors import OperatorError, UpstreamRefused, UpstreamUnavailable, UpstreamUnreachable
from sidecar.notice import Notice
from sidecar.notify import slack
from sidecar.notify.secret_text import checked_key, checked_url
from sidecar.notify.webhook import Post, post
from sidecar.redaction import Secret
from sidecar.signing.http_reply import Reply

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)
# Slack answers with a word such as invalid_payload; any other body may quote what was sent.
_MOST_BYTES: Final = 64_000
_WORD: Final = re.compile(rb"[a-z_]{1,40}")
_NO_HOST: Final = "the URL names no host that can be asked"
_PASSES: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

Text = Callable[[], Awaitable[Secret]]
Compose = Callable[[Notice], Awaitable[Post]]


class HttpSink:
    """Posts notices to an address that is a secret.

    Args:
        http: what requests are sent with.
        url: gives the address; asked for each notice.
        compose: makes the request.
        clock: for dates in answers.

    """

    def __init__(
        self, http: aiohttp.ClientSession, url: Text, compose: Compose, clock: Clock
    ) -> None:
        self._http, self._url, self._compose, self._clock = http, url, compose, clock

    async def send(self, notice: Notice) -> None:
        """Post it once.

        Raises:
            OperatorError: there is no address, or none that may be posted to.
            UpstreamRefused: the other side answered no.
            UpstreamUnavailable: no answer, or one that may be another one later.

        """
        address = _address(checked_url(await self._url()))
        request = await self._compose(notice)
        try:
            reply = await self._reply(address, request)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise UpstreamUnreachable(f"no answer: {_why(exc, address)}") from None
        except ValueError:  # a host such as a..b, which the libraries find out about only now
            raise OperatorError(_NO_HOST) from None
        if not HTTPStatus(200) <= reply.status < HTTPStatus(300):
            raise self._refusal(reply)

    async def _reply(self, url: URL, request: Post) -> Reply:
        # What is on this machine is not asked for through another one.
        proxy = proxy_for(url) if url.scheme == "https" else None
        async with self._http.post(
            url,
            data=request.body,
            headers=request.headers,
            timeout=_TIMEOUT,
            proxy=proxy.url if proxy else None,
            proxy_headers=proxy.headers if proxy else None,
            allow_redirects=False,
        ) as response:
            return Reply(response.status, response.headers, await _body(response))

    def _refusal(self, reply: Reply) -> UpstreamRefused | UpstreamUnavailable:
        status = reply.status
        word = reply.body.decode("ascii") if _WORD.fullmatch(reply.body) else ""
        told = f"answered with status {status}{f' ({word})' if word else ''}"
        if status in _PASSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            wait = reply.retry_after_seconds(self._clock.now())
            return UpstreamUnavailable(told, status=status, retry_after_seconds=wait)
        hint = "redirects are not followed" if status < HTTPStatus.BAD_REQUEST else "check the URL"
        return UpstreamRefused(told, hint=hint, status=status)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Read the body of an error; the status says what became of the notice, whatever follows it."""
    if response.ok:
        return b""
    try:
        return await bounded_body(response, _MOST_BYTES)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return b""


def _address(url: Secret) -> URL:
    try:
        return URL(url.reveal(), encoded=True)
    except ValueError:  # its words quote the host
        raise OperatorError(_NO_HOST) from None


def _why(exc: Exception, address: URL) -> str:
    """Say why there is no answer; of some addresses the host alone is the secret."""
    why = why_no_answer(exc)
    return why.replace(address.host, "the host") if address.host else why


def slack_compose() -> Compose:
    """Make what composes messages for Slack."""

    async def compose(notice: Notice) -> Post:
        return Post({"Content-Type": "application/json"}, slack.message(notice))

    return compose


def webhook_compose(key: Text, clock: Clock) -> Compose:
    """Make what composes signed requests.

    Args:
        key: gives the key; asked for each notice.
        clock: tells when each is signed.

    """

    async def compose(notice: Notice) -> Post:
        return post(notice, checked_key(await key()), clock.now())

    return compose
