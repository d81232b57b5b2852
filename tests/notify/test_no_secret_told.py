"""Whatever happens to a notice, neither an address nor a key is in an error, a log or a status."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.aws.http import http_client
from sidecar.errors import OperatorError, SidecarError
from sidecar.notify.http_sink import Compose, HttpSink, slack_compose, webhook_compose
from sidecar.notify.outbox import Outbox, running_outboxes
from sidecar.notify.wanted import Wanted
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.notify.conftest import NewNotice, UntilTrue

CANARY = "canary"
KEY = Secret(f"{CANARY}-key-0123456789-0123456789-0123456789")
# What a server answers with; the path of the request is put into it.
ANSWERS = {
    "hangs up": b"",
    "is no HTTP": b"{path}\r\n\r\n",
    "has a bad header": b"HTTP/1.1 200 OK\r\n{path}\r\n\r\n",
    "has a bad status": b"HTTP/1.1 {path}\r\n\r\n",
    "quotes in its reason": b"HTTP/1.1 500 {path}\r\nContent-Length: 0\r\n\r\n",
    "quotes in its body": b"HTTP/1.1 400 No\r\nConnection: close\r\n\r\n{path}",
    "redirects": b"HTTP/1.1 307 No\r\nLocation: {path}\r\nContent-Length: 0\r\n\r\n",
    "is cut off": b"HTTP/1.1 404 No\r\nContent-Length: 99\r\n\r\n{path}",
    "asks for a cookie": b"HTTP/1.1 401 No\r\nSet-Cookie: a={path}\r\nContent-Length: 0\r\n\r\n",
}


@asynccontextmanager
async def _answering(answer: bytes) -> AsyncIterator[int]:
    """Serve it to whoever asks, and give the port."""
    served = set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        words = (await reader.read(65_536)).split()
        writer.write(answer.replace(b"{path}", words[1] if words[:1] == [b"POST"] else b""))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*filter(None, served))


def _always(secret: Secret) -> Callable[[], Awaitable[Secret]]:
    async def give() -> Secret:
        return secret

    return give


async def _trouble(sink: HttpSink, notice: Any) -> SidecarError:
    with pytest.raises(SidecarError) as caught:
        await sink.send(notice)
    return caught.value


@pytest.fixture(params=["slack", "webhook"])
def compose(request: pytest.FixtureRequest, clock: "ManualClock") -> Compose:
    """Give what makes the requests of each sink that has a secret."""
    return slack_compose() if request.param == "slack" else webhook_compose(_always(KEY), clock)


def _told(trouble: SidecarError) -> str:
    return "".join([*traceback.format_exception(trouble), repr(trouble), trouble.hint])


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_no_answer_of_a_server_has_its_address_told(
    *,
    answer: bytes,
    compose: Compose,
    clock: "ManualClock",
    new_notice: "NewNotice",
    until_true: "UntilTrue",
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    async with _answering(answer) as port, http_client(None) as http:
        url = _always(Secret(f"http://127.0.0.1:{port}/{CANARY}"))
        sink = HttpSink(http, url, compose, clock)
        assert CANARY not in _told(await _trouble(sink, new_notice()))
        outbox = Outbox("chat", sink, Wanted(), clock, lambda: 0.0)
        async with running_outboxes([outbox]) as outboxes:
            outboxes.tell(new_notice())
            await until_true(outboxes.warnings)
            assert CANARY not in repr([outboxes.warnings(), outboxes.standings()])
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        f"https://127.0.0.1:{{port}}/{CANARY}",
        f"https://{CANARY}..example/",
        f"https://{CANARY}.{'x' * 64}.example/",
        f"http://hooks.example/{CANARY}",
        f"{CANARY}",
    ],
    ids=["no TLS", "no host", "a long host", "leaves in clear", "no URL"],
)
async def test_an_address_that_cannot_be_asked_is_not_told(
    url: str,
    compose: Compose,
    clock: "ManualClock",
    new_notice: "NewNotice",
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    async with _answering(b"") as port, http_client(None) as http:
        sink = HttpSink(http, _always(Secret(url.format(port=port))), compose, clock)
        told = _told(await _trouble(sink, new_notice()))
    assert CANARY not in told + caplog.text


@pytest.mark.parametrize("key", [CANARY, f"{CANARY}\n", ""])
async def test_a_key_that_is_too_short_is_not_told(
    key: str, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    async with http_client(None) as http:
        url, compose = Secret("http://127.0.0.1:1/"), webhook_compose(_always(Secret(key)), clock)
        trouble = await _trouble(HttpSink(http, _always(url), compose, clock), new_notice())
    assert isinstance(trouble, OperatorError)
    assert CANARY not in _told(trouble)
