"""What every door refuses, sent as raw bytes: each in the door's own words, and nothing echoed."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from sidecar.web.guards import host_is_ours

if TYPE_CHECKING:
    from tests.web.conftest import Reply, Wire

TOKEN = "token-of-the-web-app-0001"
# A request that is answered, to be spoiled; each door fills in its path, address and token line.
GOOD = "GET {path} HTTP/1.1\r\nHost: {host}\r\n{token}"
CLOSE = "Connection: close\r\n"


@dataclass(frozen=True)
class Tried:
    """A door under test: its address, and a request that it answers."""

    name: str
    wire: "Wire"
    path: str
    token: str

    def fill(self, template: str) -> str:
        """Put the door's path, address and token line into a request."""
        return template.format(path=self.path, host=self.wire.authority, token=self.token)

    def says_no(self, reply: "Reply", status: int) -> bool:
        """Whether it is a refusal with this status in the door's own form, with nothing echoed."""
        if self.name == "secrets":
            assert reply.header("Content-Type") == "text/plain"
        else:
            keys = ["code", "message", "Code", "Message"]
            assert list(reply.json()) == (keys if self.name == "credentials" else keys[:2])
            assert reply.header("Content-Type") == "application/json"
        assert reply.header("Cache-Control") == "no-store"
        assert not any(each in reply.body for each in (TOKEN.encode(), b"secret-key", b"hunter2"))
        return reply.status == status


@pytest.fixture(params=["credentials", "secrets", "admin"])
def door(request: pytest.FixtureRequest) -> Tried:
    """Give each door in turn, ready to answer."""
    paths = {
        "credentials": ("/credentials", f"Authorization: {TOKEN}\r\n"),
        "secrets": ("/v1/web/database", f"X-Aws-Parameters-Secrets-Token: {TOKEN}\r\n"),
        "admin": ("/healthz", f"X-Not-Needed: {TOKEN}\r\n"),
    }
    wire: Wire = request.getfixturevalue(request.param)
    return Tried(request.param, wire, *paths[request.param])


def _with(*lines: str) -> str:
    return GOOD + "".join(f"{line}\r\n" for line in lines)


def _host(value: str) -> str:
    return GOOD.replace("{host}", value)


def _target(value: str) -> str:
    return GOOD.replace("{path}", value)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(GOOD, id="plain"),
        pytest.param(_host("127.0.0.1"), id="no port"),
        pytest.param(_host("localhost"), id="localhost"),
        pytest.param(_host("LocalHost"), id="upper case"),
        pytest.param(_host("{host} "), id="blank after the host"),
        pytest.param(GOOD.replace("1.1\r\n", "1.0\r\n"), id="HTTP/1.0"),
        pytest.param(GOOD + "Content-Length: 0\r\n", id="empty body"),
        pytest.param(GOOD + "Accept: */*\r\nUser-Agent: Boto3/1.0\r\n", id="SDK headers"),
        pytest.param(GOOD + "X-Long: " + "x" * 8000 + "\r\n", id="long header"),
        pytest.param(GOOD + "X-Many: x\r\n" * 60, id="many headers"),
        pytest.param(GOOD + "Expect: 100-continue\r\n", id="expectation"),
    ],
)
async def test_good_requests_are_answered(template: str, door: Tried) -> None:
    request = door.fill(template + CLOSE + "\r\n")
    assert (await door.wire.send(request)).status == 200


HOSTS = [
    pytest.param("GET {path} HTTP/1.1\r\n{token}", 400, id="no Host"),
    pytest.param("GET {path} HTTP/1.0\r\n{token}", 400, id="no Host in HTTP/1.0"),
    pytest.param(_with("Host: {host}"), 400, id="two Hosts"),
    pytest.param(_with("Host: evil.example"), 400, id="two Hosts, one foreign"),
    pytest.param(_with("Host: {host}").replace("1.1", "1.0"), 400, id="two Hosts in HTTP/1.0"),
    pytest.param(_host(""), 403, id="empty Host"),
    pytest.param(_host("evil.example"), 403, id="rebinding"),
    pytest.param(_host("evil.example:80"), 403, id="rebinding with port"),
    pytest.param(_host("{host}.evil.example"), 403, id="rebinding with our name in front"),
    pytest.param(_host("127.0.0.1.nip.io"), 403, id="a name that resolves here"),
    pytest.param(_host("127.0.0.1:1"), 403, id="another port"),
    pytest.param(_host("127.0.0.2"), 403, id="another loopback address"),
    pytest.param(_host("[::1]"), 403, id="the other family"),
    pytest.param(_host("0.0.0.0"), 403, id="any address"),
    pytest.param(_host("user@{host}"), 403, id="user part"),
    pytest.param(_host("{host}, {host}"), 403, id="a list"),
]
ORIGINS = [
    pytest.param(_with("X-Forwarded-For: 10.0.0.1"), 400, id="X-Forwarded-For"),
    pytest.param(_with("x-forwarded-for:"), 400, id="X-Forwarded-For, empty"),
    pytest.param(_with("Forwarded: for=10.0.0.1"), 400, id="Forwarded"),
    pytest.param(_with("Via: 1.1 proxy"), 400, id="Via"),
    pytest.param(_with("Origin: http://evil.example"), 403, id="Origin"),
    pytest.param(_with("Origin: null"), 403, id="Origin null"),
    pytest.param(_with("Referer: http://evil.example/"), 403, id="Referer"),
    pytest.param(_with("Sec-Fetch-Site: cross-site"), 403, id="Sec-Fetch-Site"),
    pytest.param(_with("Sec-Fetch-Mode: no-cors"), 403, id="Sec-Fetch-Mode"),
    pytest.param(_with("Sec-Fetch-Dest: image"), 403, id="Sec-Fetch-Dest"),
]
BODIES = [
    pytest.param(_with("Content-Length: 3") + "\r\nabc", 400, id="Content-Length"),
    pytest.param(_with("Content-Length: 300000") + "\r\nabc", 400, id="a body that never comes"),
    pytest.param(_with("Content-Length: -1"), 400, id="negative length"),
    pytest.param(_with("Content-Length: 0", "Content-Length: 3"), 400, id="two lengths"),
    pytest.param(_with("Transfer-Encoding: chunked") + "\r\n3\r\nabc\r\n0\r\n", 400, id="chunked"),
    pytest.param(_with("Transfer-Encoding: chunked"), 400, id="chunks that never come"),
    pytest.param(_with("Transfer-Encoding: chunked") + "\r\nzz\r\n", 400, id="bad chunk"),
    pytest.param(_with("Transfer-Encoding: gzip"), 400, id="unknown coding"),
    pytest.param(
        _with("Transfer-Encoding: chunked", "Content-Length: 3") + "\r\n0\r\n",
        400,
        id="smuggling",
    ),
]
FORMS = [
    pytest.param(_with("X-Long: " + "x" * 8200), 400, id="header too long"),
    pytest.param(_with(*["X-Many: x"] * 65), 400, id="too many headers"),
    pytest.param(_target("{path}/" + "x" * 8200), 400, id="target too long"),
    pytest.param(_target("{path}\0"), 400, id="NUL in the target"),
    pytest.param(_target("{path}\7"), 400, id="control byte in the target"),
    pytest.param(_target("{path}\x7f"), 400, id="DEL in the target"),
    pytest.param(_target("{path}\xff"), 400, id="high byte in the target"),
    pytest.param(_target("{path} x"), 400, id="blank in the target"),
    pytest.param(_target(""), 400, id="no target"),
    pytest.param(_target("credentials"), 400, id="target without slash"),
    pytest.param(_target("http://{host}{path}") + CLOSE, 404, id="absolute target"),
    pytest.param(_target("http://evil.example{path}") + CLOSE, 404, id="proxy request"),
    pytest.param(_target("http://h:99999{path}"), 400, id="absolute, bad port"),
    pytest.param(_with("X-Bad: a\0b"), 400, id="NUL in a header"),
    pytest.param(_with("X Bad: a"), 400, id="blank in a header name"),
    pytest.param(_with("X-Bad : a"), 400, id="blank before the colon"),
    pytest.param(_with("X-Bad: a", " folded"), 400, id="folded header"),
    pytest.param(_with("no colon at all"), 400, id="header without colon"),
    pytest.param("GET {path} HTTP/2.0\r\nHost: {host}\r\n{token}", 400, id="HTTP/2.0"),
    pytest.param("GET {path} HTTP/9.9\r\nHost: {host}\r\n{token}", 400, id="HTTP/9.9"),
    pytest.param("GET {path} FTP/1.1\r\nHost: {host}\r\n{token}", 400, id="another protocol"),
    pytest.param("get {path} HTTP/1.1\r\nHost: {host}\r\n{token}", 400, id="lower-case method"),
    pytest.param("BREW {path} HTTP/1.1\r\nHost: {host}\r\n{token}", 400, id="unknown method"),
    pytest.param("POST {path} HTTP/1.1\r\nHost: {host}\r\n{token}", 405, id="POST"),
    pytest.param("OPTIONS * HTTP/1.1\r\nHost: {host}\r\n{token}", 405, id="OPTIONS *"),
    pytest.param("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{token}", 405, id="CONNECT"),
    pytest.param("\x16\x03\x01\x02\x00\x01\x00\r\n", 400, id="TLS"),
    pytest.param("PRI * HTTP/2.0\r\n\r\nSM\r\n", 400, id="HTTP/2 preface"),
    pytest.param("hello\r\n", 400, id="not HTTP"),
]


@pytest.mark.parametrize(("template", "status"), [*HOSTS, *ORIGINS, *BODIES, *FORMS])
async def test_strange_requests_are_refused_in_the_doors_own_words(
    template: str, status: int, door: Tried
) -> None:
    assert door.says_no(await door.wire.send(door.fill(template + "\r\n")), status)


@pytest.mark.parametrize("hosts", [(), ("a", "a"), ("b",)], ids=["none", "two", "foreign"])
def test_the_host_guard_does_not_rely_on_the_parser(hosts: tuple[str, ...]) -> None:
    guard = host_is_ours(["a"])
    headers = CIMultiDict[str](("Host", each) for each in hosts)
    assert guard(make_mocked_request("GET", "/", headers)) is not None
    assert guard(make_mocked_request("GET", "/", CIMultiDict(Host="A"))) is None


async def test_bare_line_feeds_are_refused(door: Tried) -> None:
    reply = await door.wire.send(door.fill(GOOD + "\r\n").replace("\r\n", "\n"))
    assert door.says_no(reply, 400)


async def test_pipelined_requests_are_answered_in_turn(door: Tried) -> None:
    one = door.fill(GOOD + "\r\n")
    last = door.fill(GOOD + "Origin: null\r\n\r\n")
    answer = await door.wire.exchange((one + one + last).encode())
    statuses = [part[:12] for part in answer.split(b"HTTP/1.1")[1:]]
    expected = [b" 200 OK"] if door.name == "credentials" else [b" 200 OK", b" 200 OK", b" 403"]
    assert [each.startswith(want) for each, want in zip(statuses, expected, strict=True)]


async def test_a_client_that_leaves_in_the_middle_disturbs_nobody(door: Tried) -> None:
    whole = door.fill(GOOD + "\r\n").encode()
    for end in (1, 10, len(whole) // 2, len(whole) - 1, len(whole)):
        _, writer = await asyncio.open_connection(door.wire.host, door.wire.port)
        writer.write(whole[:end])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    request = door.fill(GOOD + "Connection: close\r\n\r\n")
    assert (await door.wire.send(request)).status == 200
