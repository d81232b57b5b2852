"""The aws-api door over planned values, AWS as a server on loopback, and botocore as signer."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from sidecar.access.policy import App
from sidecar.access.vended import VendedSessions
from sidecar.aws.forwarding import Forwarder
from sidecar.aws.json_api import ApiCall
from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.credentials import Credentials
from sidecar.errors import SidecarError, UpstreamRefused
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import ParameterCache, SecretCache
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.reply_cache import ReplyCache
from sidecar.signing.canonical import amz_date
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api_door import AwsApiDoor, AwsApiLimits

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.web.conftest import LedgerOf, Open, Wire

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
VERSION: Final = "11111111-2222-3333-4444-555555555555"
SERVICES: Final = {"secretsmanager": "secretsmanager", "AmazonSSM": "ssm"}


@dataclass(frozen=True)
class Received:
    """What a forwarded request was."""

    headers: dict[str, str]
    body: bytes

    @property
    def credential(self) -> str:
        return self.headers["Authorization"].partition("Credential=")[2].partition(",")[0]


@dataclass
class PlannedAws:
    """AWS: gives one planned reply after another, the last one again and again."""

    replies: list[web.Response | None] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    url: str = ""

    def then(self, value: object, status: int = 200, **headers: str) -> None:
        """Plan a reply: bytes as they are, anything else as JSON."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        named = {name.replace("_", "-"): each for name, each in headers.items()}
        named = {"Content-Type": "application/x-amz-json-1.1", **named}
        self.replies.append(web.Response(status=status, body=body, headers=named))

    def then_hang_up(self) -> None:
        """Plan that the connection ends without a reply, though the request was read."""
        self.replies.append(None)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.received.append(Received(dict(request.headers), await request.read()))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


@pytest.fixture
async def planned_aws() -> AsyncIterator[PlannedAws]:
    planned = PlannedAws()
    runner = web.ServerRunner(web.Server(planned.handle, auto_decompress=False))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    planned.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield planned
    await runner.cleanup()


@dataclass
class PlannedValues:
    """What the caches are filled with, which failure they meet instead, and what was asked.

    `renamed` gives a parameter another name than it was asked for by.
    """

    now: datetime
    secrets: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: SidecarError | None = None
    asked: list[tuple[Reader, SecretQuery | ParameterQuery]] = field(default_factory=list)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def wait_for(self, calls: int) -> None:
        """Wait until so many more have been asked."""
        async with asyncio.timeout(10):
            for _ in range(calls):
                await self.arrived.acquire()

    async def secret(self, reader: Reader, query: SecretQuery) -> SecretValue:
        self.asked.append((reader, query))
        self.arrived.release()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        name = next((each for each in self.secrets if each in query.secret_id), None)
        if name is None:
            raise _refused("ResourceNotFoundException", "can't find the specified secret.")
        return SecretValue(
            arn=f"arn:aws:secretsmanager:{reader.region}:{ACCOUNT}:secret:{name}-AbCdEf",
            name=name,
            version_id=VERSION,
            text=Secret(self.secrets[name]),
            binary=None,
            version_stages=("AWSCURRENT",),
            created_at=self.now,
        )

    async def parameter(self, reader: Reader, query: ParameterQuery) -> ParameterValue:
        self.asked.append((reader, query))
        self.arrived.release()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if query.name not in self.parameters:
            raise _refused("ParameterNotFound", "")
        return ParameterValue(
            arn=f"arn:aws:ssm:{reader.region}:{ACCOUNT}:parameter{query.name}",
            name=self.renamed.get(query.name, query.name),
            type="String",
            value=Secret(self.parameters[query.name]),
            version=3,
            last_modified=self.now,
            data_type="text",
            selector=None if query.version is None else f":{query.version}",
            source_result=None,
        )


def _refused(code: str, message: str) -> UpstreamRefused:
    return UpstreamRefused(message, status=400, code=code)


@pytest.fixture
def values(now: datetime) -> PlannedValues:
    planned = PlannedValues(
        now,
        {"web/database": "hunter2", "web/common": "both", "batch/key": "s3cr3t"},
        {"/web/color": "blue", "/web/common/size": "12", "/batch/size": "9"},
    )
    planned.gate.set()
    return planned


@pytest.fixture
def sessions(now: datetime) -> dict[str, Credentials]:
    """Give a session of each role."""
    return {
        role: Credentials(
            access_key_id=f"ASIA{role.upper()}",
            secret_access_key=Secret(f"secret-key-of-{role}"),
            session_token=Secret(f"session-token-of-{role}"),
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
            account_id=ACCOUNT,
        )
        for role in ("default", "shared", "unused")
    }


@pytest.fixture
def vended(sessions: dict[str, Credentials], now: datetime) -> VendedSessions:
    vended = VendedSessions()
    for role, credentials in sessions.items():
        vended.keep(role, credentials, now)
    return vended


@pytest.fixture
def apps() -> tuple[App, ...]:
    return (
        App("web", ("default", "shared"), ("web/*",), ("/web/*",)),
        App("batch", ("shared",), ("batch/*", "web/common"), ("/web/common/*", "/batch/size")),
    )


@pytest.fixture
async def forwarder(planned_aws: PlannedAws) -> AsyncIterator[Forwarder]:
    def endpoint(_service: str, region: str) -> str:
        if region != REGION:
            raise ValueError(region)
        return planned_aws.url

    async with aiohttp.ClientSession() as http:
        yield Forwarder(http, endpoint)


@pytest.fixture
async def reads(
    values: PlannedValues,
    sessions: dict[str, Credentials],
    forwarder: Forwarder,
    clock: "ManualClock",
) -> AsyncIterator[CachedReads]:
    """Give the caches, which are filled with the role ``reader``."""

    async def ask_as(reader: Reader, call: ApiCall) -> bytes:
        assert reader == Reader("reader", REGION)
        return await forwarder.ask(call, sessions["unused"])

    limits = Limits(ttl_seconds=300, max_stale_seconds=3600, size=100)
    caches = (
        SecretCache(values.secret, clock, limits),
        ParameterCache(values.parameter, clock, limits),
        ReplyCache(clock, limits),
    )
    yield CachedReads(*caches, ask_as, "reader")
    for cache in caches:
        await cache.close()


@pytest.fixture
def door(
    vended: VendedSessions,
    apps: tuple[App, ...],
    reads: CachedReads,
    forwarder: Forwarder,
    ledger_of: "LedgerOf",
) -> AwsApiDoor:
    ledger = ledger_of("aws_api")
    return AwsApiDoor(
        vended, lambda: apps, reads, forwarder, ledger, limits=AwsApiLimits(body_seconds=0.2)
    )


@dataclass(frozen=True)
class ApiAnswer:
    """An answer as an SDK sees it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        code: str = self.json()["__type"]
        return code

    @property
    def message(self) -> str:
        message: str = self.json()["message"]
        return message

    def json(self) -> Any:
        return json.loads(self.body)


Sign = Callable[..., list[str]]
Call = Callable[..., Awaitable[ApiAnswer]]


@pytest.fixture
async def wire(door: AwsApiDoor, open_on_loopback: "Open") -> "Wire":
    return await open_on_loopback(door)


@pytest.fixture
def sign(wire: "Wire", sessions: dict[str, Credentials], clock: "ManualClock") -> Sign:
    """Give a function that returns the header lines of a call, signed by botocore."""

    def lines(
        target: str, body: bytes, role: str = "default", region: str = REGION, **headers: str
    ) -> list[str]:
        held = sessions[role]
        keys = ReadOnlyCredentials(
            held.access_key_id, held.secret_access_key.reveal(), held.session_token.reveal()
        )
        signer: Any = SigV4Auth(keys, SERVICES.get(target.partition(".")[0], "ssm"), region)
        named = {"X-Amz-Target": target, **{k.replace("_", "-"): v for k, v in headers.items()}}
        request = AWSRequest("POST", f"http://{wire.authority}/", headers=named, data=body)
        request.context["timestamp"] = amz_date(clock.now())
        signer._modify_request_before_signing(request)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(text, request))
        return [f"{name}: {value}" for name, value in request.headers.items()]

    return lines


@pytest.fixture
def call(wire: "Wire", sign: Sign) -> Call:
    """Give a function that calls an operation; members are JSON, bytes are sent as they are."""

    async def ask(target: str, members: object = None, **options: str) -> ApiAnswer:
        body = members if isinstance(members, bytes) else json.dumps(members or {}).encode()
        head = [
            "POST / HTTP/1.1",
            f"Host: {wire.authority}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *sign(target, body, **options),
        ]
        return await sent(wire, head, body)

    return ask


async def sent(wire: "Wire", head: list[str], body: bytes) -> ApiAnswer:
    """Send a request and take its only answer apart."""
    stream = await wire.exchange("\r\n".join([*head, "", ""]).encode() + body)
    start, _, answer = stream.partition(b"\r\n\r\n")
    status, *lines = start.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers["Content-Length"]) == len(answer)
    return ApiAnswer(int(status.split(" ")[1]), headers, answer)


Send = Callable[[list[str], bytes], Awaitable[ApiAnswer]]


@pytest.fixture
def send(wire: "Wire") -> Send:
    """Give a function that sends header lines and a body as they are."""
    return lambda head, body: sent(wire, head, body)
