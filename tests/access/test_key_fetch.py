"""Asking for an issuer's keys over a real socket: what is sent, and what is taken for an answer."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.access.key_fetch import key_fetch
from sidecar.aws.http import tls_context
from sidecar.ca import Subject, certificate_pem, create_root, issue_server, private_key_pem
from sidecar.errors import SidecarError

TOKEN = "canary-token-of-the-pod"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Issuer:
    """A server that answers as a test wants, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.BaseRequest] = []
        self.status = 200
        self.body = b'{"keys": []}'
        self.packed = False
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        headers = {"Location": self.url}
        answer = web.Response(status=self.status, body=self.body, headers=headers)
        if self.packed:
            answer.enable_compression(web.ContentCoding.gzip)
        return answer


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", issuer.handle)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("/openid/v1/jwks"))
        yield issuer


Fetch = Callable[..., Awaitable[bytes]]


@pytest.fixture
def fetch(issuer: Issuer) -> Fetch:
    return lambda token_file=None: key_fetch(issuer.url, tls_context(None), token_file)()


async def _trouble(fetched: Awaitable[bytes]) -> str:
    with pytest.raises(SidecarError) as caught:
        await fetched
    assert "canary" not in str(caught.value)
    return str(caught.value)


async def test_the_document_is_asked_for_by_one_plain_get(issuer: Issuer, fetch: Fetch) -> None:
    assert await fetch() == b'{"keys": []}'
    [request] = issuer.asked
    assert (request.method, request.path) == ("GET", "/openid/v1/jwks")
    assert "Authorization" not in request.headers
    assert "Cookie" not in request.headers


async def test_a_token_is_shown_when_one_is_configured_and_read_each_time(
    issuer: Issuer, fetch: Fetch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    for content in (TOKEN, f"{TOKEN}-renewed\n"):
        file.write_text(content)
        await fetch(file)
    shown = [each.headers["Authorization"] for each in issuer.asked]
    assert shown == [f"Bearer {TOKEN}", f"Bearer {TOKEN}-renewed"]


@pytest.fixture
async def private(issuer: Issuer, tmp_path: Path) -> AsyncIterator[Path]:
    """Give the CA of a server that few trust, to which the issuer has moved."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    root = create_root(Subject("Private root"), now=now, validity=timedelta(days=1))
    certificate, key = issue_server(root, ["localhost"], now=now, validity=timedelta(hours=1))
    (tmp_path / "server.pem").write_bytes(certificate_pem(certificate) + private_key_pem(key))
    (tmp_path / "ca.pem").write_bytes(certificate_pem(root.certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    app = web.Application()
    app.router.add_get("/jwks", issuer.handle)
    server = TestServer(app, scheme="https", host="localhost")
    await server.start_server(ssl=context)
    async with server:
        issuer.url = str(server.make_url("/jwks"))
        yield tmp_path / "ca.pem"


async def test_a_server_is_asked_only_when_its_certificate_is_trusted(
    issuer: Issuer, private: Path
) -> None:
    assert issuer.url.startswith("https://localhost:")
    assert await key_fetch(issuer.url, tls_context(private), None)() == b'{"keys": []}'
    trouble = await _trouble(key_fetch(issuer.url, tls_context(None), None)())
    assert "certificate verify failed" in trouble
    assert len(issuer.asked) == 1


@pytest.mark.parametrize("content", ["", "\n", "canary canary", "canary\x00", "é", "x" * 16385])
async def test_without_a_token_that_can_be_sent_nothing_is_asked(
    issuer: Issuer, fetch: Fetch, tmp_path: Path, content: str
) -> None:
    (tmp_path / "token").write_text(content)
    assert (await _trouble(fetch(tmp_path / "token"))).endswith("/token holds none")
    missing = await _trouble(fetch(tmp_path / "none"))
    assert missing.endswith("/none cannot be read: No such file or directory")
    assert issuer.asked == []


@pytest.mark.parametrize("status", [204, 301, 302, 307, 401, 404, 500])
async def test_no_other_status_is_an_answer_and_no_redirect_is_followed(
    issuer: Issuer, fetch: Fetch, status: int
) -> None:
    issuer.status = status
    assert await _trouble(fetch()) == f"answered with status {status}"
    assert len(issuer.asked) == 1


async def test_an_answer_of_256_kib_is_read_and_a_longer_one_is_not(
    issuer: Issuer, fetch: Fetch
) -> None:
    issuer.body = b" " * 256 * 1024
    assert len(await fetch()) == 256 * 1024
    issuer.body += b" "
    assert await _trouble(fetch()) == "gave no answer: the answer is far too long"


async def test_a_short_answer_that_unpacks_to_a_long_one_is_not_read(
    issuer: Issuer, fetch: Fetch
) -> None:
    issuer.body, issuer.packed = b" " * 10_000_000, True
    assert await _trouble(fetch()) == "gave no answer: the answer is far too long"


async def test_an_address_where_nobody_listens_is_told_in_words(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/jwks"
    fetched = key_fetch(url, tls_context(None), None)()
    assert await _trouble(fetched) == "gave no answer: connection refused"


async def test_what_is_on_this_machine_is_not_asked_for_through_a_proxy(
    issuer: Issuer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_tcp_port}")
    assert await fetch() == b'{"keys": []}'


@pytest.mark.parametrize("url", ["https://a..b/", "https://[::1]x/", "https://a\\b/"])
async def test_an_address_that_is_none_is_told_like_an_issuer_that_is_away(url: str) -> None:
    with pytest.raises(SidecarError, match="its address is none"):
        await key_fetch(url, tls_context(None), None)()
