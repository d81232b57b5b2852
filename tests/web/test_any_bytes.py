"""Whatever bytes come: every door gives an HTTP answer that is no server error, or just closes."""

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.web.listener import ConnectionLimits
from sidecar.web.metadata_door import MetadataDoor
from sidecar.web.metadata_paths import InstanceFacts

if TYPE_CHECKING:
    from sidecar.access.callers import Callers
    from tests.web.conftest import LedgerOf, OneSessionEach, Open, Wire

TOKEN = "token-of-the-web-app-0001"
STATUS = re.compile(rb"HTTP/\d\.\d (\d{3}) ")

texts = st.text(st.characters(max_codepoint=255), max_size=20)
methods = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "get", "PRI", ""]) | texts
targets = st.sampled_from(
    ["/credentials", "/v1/web/database", "/secretsmanager/get?secretId=", "/ping", "/readyz", "*"]
)
paths = targets | st.sampled_from(["/latest/api/token", "/latest/meta-data/instance-id"])
names = st.sampled_from(["Host", "Authorization", "X-Vault-Token", "Origin", "X-Forwarded-For"])
framing = st.sampled_from(["Content-Length", "Transfer-Encoding", "Connection", "Upgrade"])
values = st.sampled_from(["127.0.0.1", TOKEN, "0", "5", "-1", "chunked", "gzip", "upgrade", "h2c"])
imds = st.sampled_from(["X-aws-ec2-metadata-token", "X-aws-ec2-metadata-token-ttl-seconds"])
headers = st.tuples(names | imds | framing | texts, values | texts)


@st.composite
def almost_http(draw: st.DrawFn) -> bytes:
    """Draw something near a request: parts in their places, some of them nonsense."""
    line = f"{draw(methods)} {draw(paths)}{draw(texts)} HTTP/{draw(st.sampled_from('1092'))}.1"
    fields = [f"{name}: {value}" for name, value in draw(st.lists(headers, max_size=6))]
    lines = [line, *draw(st.sampled_from([["Host: 127.0.0.1"], []])), *fields]
    return "\r\n".join([*lines, "Connection: close", "", draw(texts)]).encode("latin-1")


@pytest.fixture
async def limits() -> ConnectionLimits:
    """Make doors close at once when a request is left unfinished."""
    return ConnectionLimits(idle_seconds=0.05, linger_seconds=0.01)


@pytest.fixture
async def metadata(
    open_on_loopback: "Open",
    sessions: "OneSessionEach",
    callers: "Callers",
    ledger_of: "LedgerOf",
) -> "Wire":
    facts = InstanceFacts("eu-west-1", "123456789012", "i-00000000", "eu-west-1a")
    app, ledger = callers.apps[0], ledger_of("metadata")
    door = MetadataDoor(lambda: app, sessions, lambda _: facts, ledger)
    return await open_on_loopback(door)


async def _statuses(wire: "Wire", data: bytes) -> list[int]:
    try:
        answer = await wire.exchange(data)
    except ConnectionError:
        return []
    assert not answer or STATUS.match(answer), answer
    assert TOKEN.encode() not in answer
    return [int(each) for each in STATUS.findall(answer)]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=almost_http() | st.binary(max_size=200))
async def test_any_bytes_get_an_answer_or_an_end_but_never_a_server_error(
    data: bytes, credentials: "Wire", secrets: "Wire", metadata: "Wire", admin: "Wire"
) -> None:
    doors = (credentials, secrets, metadata, admin)
    answers = await asyncio.gather(*(_statuses(door, data) for door in doors))
    statuses = [status for answer in answers for status in answer]
    assert not [status for status in statuses if not 200 <= status < 500]
