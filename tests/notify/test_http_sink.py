"""Posting over a real socket: what is sent, what is tried again, and what is never told."""

import asyncio
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.errors import (
    OperatorError,
    SidecarError,
    UpstreamRefused,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from sidecar.notify import http_sink
from sidecar.notify.http_sink import Compose, HttpSink, slack_compose, webhook_compose
from sidecar.notify.outbox import Outbox, running_outboxes
from sidecar.notify.wanted import Wanted
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.notify.conftest import NewNotice, UntilTrue

KEY = Secret("canary-key-of-the-webhook-0123456789")


@dataclass
class Receiver:
    """A server that answers as planned, then well, and keeps what came."""

    url: Secret = field(default_factory=lambda: Secret(""))
    replies: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((dict(request.headers), await request.read()))
        status, text, headers = self.replies.pop(0) if self.replies else (200, "ok", {})
        return web.Response(status=status, text=text, headers=headers)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/services/canary", receiver.take)
    server = TestServer(app)
    await server.start_server()
    receiver.url = Secret(str(server.make_url("/services/canary")))
    yield receiver
    await server.close()


MakeSink = Callable[..., HttpSink]


def _always(secret: Secret) -> Callable[[], Awaitable[Secret]]:
    async def give() -> Secret:
        return secret

    return give


@pytest.fixture
async def make_sink(receiver: Receiver, clock: "ManualClock") -> AsyncIterator[MakeSink]:
    """Give a function that makes a sink towards the receiver, or towards another address."""
    async with aiohttp.ClientSession() as http:

        def make(compose: Compose | None = None, url: Secret | None = None) -> HttpSink:
            return HttpSink(http, _always(url or receiver.url), compose or slack_compose(), clock)

        yield make


async def test_slack_is_sent_json(
    make_sink: MakeSink, receiver: Receiver, new_notice: "NewNotice"
) -> None:
    await make_sink().send(new_notice())
    [(headers, body)] = receiver.came
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["text"].startswith("Rotation failed: ")


async def test_a_webhook_can_verify_what_it_is_sent(
    make_sink: MakeSink, receiver: Receiver, new_notice: "NewNotice", clock: "ManualClock"
) -> None:
    await make_sink(webhook_compose(_always(KEY), clock)).send(new_notice())
    [(headers, body)] = receiver.came
    timestamp = headers["X-Sidecar-Timestamp"]
    assert int(timestamp) == int(clock.now().timestamp())
    signed = hmac.new(KEY.encoded(), timestamp.encode() + b"." + body, hashlib.sha256)
    assert hmac.compare_digest(headers["X-Sidecar-Signature"], f"v1={signed.hexdigest()}")
    assert json.loads(body)["kind"] == "rotation-failed"


async def test_nothing_is_signed_with_a_key_that_has_become_too_short(
    make_sink: MakeSink, receiver: Receiver, new_notice: "NewNotice", clock: "ManualClock"
) -> None:
    with pytest.raises(OperatorError, match="the key has fewer than 32 characters"):
        await make_sink(webhook_compose(_always(Secret("canary")), clock)).send(new_notice())
    assert receiver.came == []


async def test_a_receiver_that_asks_for_patience_is_asked_again_only_then(
    *,
    make_sink: MakeSink,
    receiver: Receiver,
    new_notice: "NewNotice",
    clock: "ManualClock",
    until_true: "UntilTrue",
) -> None:
    receiver.replies = [(429, "rate_limited", {"Retry-After": "7"})]
    outbox = Outbox("chat", make_sink(), Wanted(), clock, lambda: 0.0)
    async with running_outboxes([outbox]) as outboxes:
        outboxes.tell(new_notice())
        await until_true(outboxes.warnings)
        assert outboxes.warnings() == {
            "notify chat": "not sent: answered with status 429 (rate_limited)"
        }
        await clock.advance(7.4)
        assert len(receiver.came) == 1
        await clock.advance(0.2)
        await until_true(lambda: not outboxes.warnings())
        assert len(receiver.came) == 2


@pytest.mark.parametrize(
    ("reply", "kind", "message", "wait"),
    [
        ((500, "canary", {}), UpstreamUnavailable, "answered with status 500 (canary)", 0),
        ((503, "", {"Retry-After": "60"}), UpstreamUnavailable, "answered with status 503", 60),
        ((429, "", {"Retry-After": "9" * 99}), UpstreamUnavailable, "answered with", 999_999_999),
        ((429, "", {"Retry-After": "-1"}), UpstreamUnavailable, "answered with status 429", 0),
        ((429, "", {"Retry-After": "1e9"}), UpstreamUnavailable, "answered with status 429", 0),
        ((429, "", {"Retry-After": "nan"}), UpstreamUnavailable, "answered with status 429", 0),
        ((429, "", {"Retry-After": "soon"}), UpstreamUnavailable, "answered with status 429", 0),
        ((408, "", {}), UpstreamUnavailable, "answered with status 408", 0),
        ((400, "invalid_payload", {}), UpstreamRefused, "answered with status 400 (inva", None),
        ((404, "no_service", {}), UpstreamRefused, "answered with status 404 (no_service)", None),
        ((302, "", {"Location": "/elsewhere"}), UpstreamRefused, "answered with status 302", None),
        ((400, '{"got": "CANARY"}', {}), UpstreamRefused, "answered with status 400", None),
    ],
)
async def test_an_answer_says_whether_to_try_again(
    *,
    reply: tuple[int, str, dict[str, str]],
    kind: type[SidecarError],
    message: str,
    wait: float | None,
    make_sink: MakeSink,
    receiver: Receiver,
    new_notice: "NewNotice",
) -> None:
    receiver.replies = [reply]
    with pytest.raises(kind) as caught:
        await make_sink().send(new_notice())
    assert caught.value.message.startswith(message)
    assert "CANARY" not in caught.value.message
    assert getattr(caught.value, "retry_after_seconds", None) == wait
    assert len(receiver.came) == 1


async def test_an_address_that_nobody_listens_at_is_not_told(
    make_sink: MakeSink, new_notice: "NewNotice", unused_tcp_port: int
) -> None:
    url = Secret(f"http://127.0.0.1:{unused_tcp_port}/canary")
    with pytest.raises(UpstreamUnreachable) as caught:
        await make_sink(url=url).send(new_notice())
    assert caught.value.message == "no answer: connection refused"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://hooks.example/canary", "https://a..b/canary"])
async def test_an_address_that_may_not_be_asked_is_not_asked(
    url: str, make_sink: MakeSink, new_notice: "NewNotice"
) -> None:
    with pytest.raises((OperatorError, UpstreamUnreachable)) as caught:
        await make_sink(url=Secret(url)).send(new_notice())
    assert "canary" not in str(caught.value)


LONG = "x" * 100_000


async def test_what_was_taken_is_not_sent_again_however_long_the_answer_is(
    make_sink: MakeSink, receiver: Receiver, new_notice: "NewNotice"
) -> None:
    receiver.replies = [(200, LONG, {})]
    await make_sink().send(new_notice())
    assert len(receiver.came) == 1


async def test_a_long_page_is_no_reason_to_ask_again_for_what_is_not_there(
    make_sink: MakeSink, receiver: Receiver, new_notice: "NewNotice"
) -> None:
    receiver.replies = [(404, LONG, {})]
    with pytest.raises(UpstreamRefused, match="answered with status 404"):
        await make_sink().send(new_notice())


@pytest.mark.parametrize(("status", "taken"), [(200, True), (429, False)])
async def test_an_answer_whose_body_never_comes_counts_by_its_status(
    *,
    status: int,
    taken: bool,
    make_sink: MakeSink,
    new_notice: "NewNotice",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_sink, "_TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    head = f"HTTP/1.1 {status} X\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n"
    async with _answering(head.encode()) as url:
        if taken:
            await make_sink(url=url).send(new_notice())
            return
        with pytest.raises(UpstreamUnavailable) as caught:
            await make_sink(url=url).send(new_notice())
    assert (caught.value.status, caught.value.retry_after_seconds) == (429, 7)


@asynccontextmanager
async def _answering(head: bytes) -> AsyncIterator[Secret]:
    """Serve an answer that is never finished."""
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield Secret(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/canary")
    for each in writers:
        each.close()
        await each.wait_closed()


async def test_a_certificate_of_another_host_does_not_have_the_host_told(
    make_sink: MakeSink, new_notice: "NewNotice", monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = ssl.SSLCertVerificationError("certificate is not valid for 'canary.hooks.example'")
    refusal = aiohttp.ClientConnectorCertificateError(Mock(), wrong)
    monkeypatch.setattr(aiohttp.ClientSession, "post", Mock(side_effect=refusal))
    with pytest.raises(UpstreamUnreachable, match="is not valid for 'the host'"):
        await make_sink(url=Secret("https://canary.hooks.example/x")).send(new_notice())


async def test_what_is_on_this_machine_is_asked_for_through_no_proxy(
    *,
    make_sink: MakeSink,
    receiver: Receiver,
    new_notice: "NewNotice",
    monkeypatch: pytest.MonkeyPatch,
    unused_tcp_port: int,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_tcp_port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    await make_sink().send(new_notice())
    assert len(receiver.came) == 1


async def test_a_proxy_sees_the_host_and_nothing_else_and_is_told_of_by_its_status(
    make_sink: MakeSink, new_notice: "NewNotice", monkeypatch: pytest.MonkeyPatch
) -> None:
    came = list[bytes]()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 canary\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:canary@127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "")
        with pytest.raises(UpstreamUnreachable) as caught:
            await make_sink(url=Secret("https://hooks.example/canary")).send(new_notice())
    assert came[0].startswith(b"CONNECT hooks.example:443 HTTP/1.1\r\n")
    assert b"canary" not in came[0]
    assert caught.value.message == "no answer: a proxy answered with status 407"
