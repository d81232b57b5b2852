"""The three doors on free ports, planned roles and secrets behind them, and raw bytes to them."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from sidecar.access.callers import Access, Callers, OwnTokens
from sidecar.access.own_token import OwnTokenRules
from sidecar.access.policy import App
from sidecar.access.token_key import TokenKey
from sidecar.access.tokens import AppToken, AppTokens
from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.clock import Clock
from sidecar.config.address import Address
from sidecar.credentials import Credentials
from sidecar.errors import SidecarError, UpstreamRefused
from sidecar.providers.refreshing import RefreshingRole
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import ParameterCache, SecretCache
from sidecar.secret_cache.limits import Limits
from sidecar.web.admin_door import AdminDoor
from sidecar.web.answer import Refusal, answer
from sidecar.web.binding import Listening
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.guards import Guard
from sidecar.web.ledger import Ledger
from sidecar.web.listener import AT_HOME, ConnectionLimits, Door, open_doors
from sidecar.web.secrets_door import AS_AWS_DOES, SecretsDoor, SecretsDoorOptions
from tests.conftest import HeardAudit

if TYPE_CHECKING:
    from tests.conftest import ManualClock

WEB: Final = "token-of-the-web-app-0001"
BATCH: Final = "token-of-the-batch-app-02"
IDLE: Final = "token-of-an-app-without-any"
ACCOUNT: Final = "123456789012"
ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Reply:
    """What came back over the wire, byte for byte."""

    status_line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.status_line.split(" ")[1])

    def header(self, name: str) -> str | None:
        """Give the header's only value, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


def parse_replies(stream: bytes) -> list[Reply]:
    """Take apart everything that a server sent before it closed; replies have Content-Length."""
    replies: list[Reply] = []
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = tuple((key, value) for key, _, value in (each.partition(": ") for each in lines))
        length = int(dict(headers)["Content-Length"])
        replies.append(Reply(status_line, headers, rest[:length]))
        stream = rest[length:]
    return replies


@dataclass(frozen=True)
class Wire:
    """A door's address, and ways to send it bytes."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)

    async def exchange(self, data: bytes) -> bytes:
        """Send bytes and read until the door closes the connection."""
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await self.connect()
            try:
                writer.write(data)
                return await reader.read()
            finally:
                writer.transport.abort()

    async def send(self, request: str) -> Reply:
        """Send one request, written in Latin-1, and return the only reply."""
        (reply,) = parse_replies(await self.exchange(request.encode("latin-1")))
        return reply

    async def ask(self, target: str, *lines: str, method: str = "GET") -> Reply:
        """Send a well-formed request with more header lines."""
        head = [f"{method} {target} HTTP/1.1", f"Host: {self.authority}", *lines]
        data = "\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1")
        answer = await self.exchange(data)
        if method == "HEAD":
            answer = answer.replace(b"Content-Length: ", b"Content-Length: 0\r\nX-Length: ")
        (reply,) = parse_replies(answer)
        return reply


@dataclass(frozen=True)
class UnixWire(Wire):
    """The same for a Unix socket."""

    path: Path

    @property
    def authority(self) -> str:
        return "localhost"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self.path)


class PlannedSource:
    """A role source that gives numbered sessions of an hour until it is told to fail."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self.failure: SidecarError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = 0

    async def fetch(self) -> Credentials:
        self.asked += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        issued_at = self._clock.now() + timedelta(milliseconds=250)
        return Credentials(
            access_key_id=f"ASIA{self._name.upper()}{self.asked}",
            secret_access_key=Secret(f"secret-key-{self.asked}"),
            session_token=Secret(f"session-token-{self.asked}"),
            issued_at=issued_at,
            expires_at=issued_at + timedelta(hours=1),
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/{self._name}",
            account_id=ACCOUNT,
        )


@dataclass
class PlannedSecrets:
    """Secrets by name, which failures to meet, and what was asked for."""

    now: datetime
    texts: dict[str, str] = field(default_factory=dict)
    binaries: dict[str, str] = field(default_factory=dict)
    stages: tuple[str, ...] = ("AWSCURRENT",)
    failure: SidecarError | None = None
    asked: list[SecretQuery] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    arrivals: "asyncio.Queue[SecretQuery]" = field(default_factory=asyncio.Queue)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, reader: Reader, query: SecretQuery) -> SecretValue:
        self.asked.append(query)
        self.arrivals.put_nowait(query)
        self.readers.append(reader)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        name = next((each for each in (*self.texts, *self.binaries) if each in query.secret_id), "")
        if not name:
            raise UpstreamRefused(
                "Secrets Manager can't find the specified secret.",
                status=400,
                code="ResourceNotFoundException",
            )
        text, binary = self.texts.get(name), self.binaries.get(name)
        return SecretValue(
            arn=f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{name}-AbCdEf",
            name=name,
            version_id="11111111-2222-3333-4444-555555555555",
            text=None if text is None else Secret(text),
            binary=None if binary is None else Secret(binary),
            version_stages=self.stages,
            created_at=self.now + timedelta(milliseconds=46),
        )


@dataclass
class PlannedParameters:
    """Parameters by name, which failures to meet, and what was asked for."""

    now: datetime
    values: dict[str, str] = field(default_factory=dict)
    source_result: Secret | None = None
    failure: SidecarError | None = None
    asked: list[ParameterQuery] = field(default_factory=list)

    async def fetch(self, _reader: Reader, query: ParameterQuery) -> ParameterValue:
        self.asked.append(query)
        if self.failure is not None:
            raise self.failure
        name = next((each for each in self.values if query.name.endswith(each)), "")
        if not name:
            raise UpstreamRefused("no such parameter", status=400, code="ParameterNotFound")
        return ParameterValue(
            arn=f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{name}",
            name=name,
            type="String",
            value=Secret(self.values[name]),
            version=1,
            last_modified=self.now,
            data_type="text",
            selector=None,
            source_result=self.source_result,
        )


class PlannedReaders:
    """Readers of a role's own ARN where the policy allows it, and whom requests are using."""

    def __init__(self) -> None:
        self.default = Reader("default", "us-east-1")
        self.in_use: list[Reader] = []

    def find(self, app: App, role_arn: str) -> Reader | None:
        return Reader(role_arn, "us-east-1") if app.may_assume(role_arn) else None

    @contextmanager
    def using(self, reader: Reader) -> Iterator[None]:
        self.in_use.append(reader)
        try:
            yield
        finally:
            self.in_use.remove(reader)


class ToldOfChanges:
    """Notes of which changes it is told, and has three entries of everything."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def secret(self, secret_id: str) -> int:
        self.told.append(f"secret {secret_id}")
        return 3

    def parameter(self, name: str) -> int:
        self.told.append(f"parameter {name}")
        return 3

    def everything(self) -> int:
        self.told.append("everything")
        return 3


class PlannedDoor:
    """A door whose handler waits for `gate`, then answers, or fails if it is told to."""

    name = "planned"
    guards: tuple[Guard, ...] = ()

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()
        self.failure: Exception | None = None

    async def handle(self, request: web.BaseRequest) -> web.Response:
        del request
        self.entered.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return answer(200, b"{}")

    def refuse(self, refusal: Refusal) -> web.Response:
        return answer(refusal.status, refusal.code.encode())


@pytest.fixture
def make_planned() -> Callable[[], PlannedDoor]:
    """Give a function that makes a planned door."""
    return PlannedDoor


@pytest.fixture
def planned(make_planned: Callable[[], PlannedDoor]) -> PlannedDoor:
    return make_planned()


Open = Callable[..., Awaitable[Wire]]
WireTo = Callable[[str], Wire]


@pytest.fixture
def wire_to() -> WireTo:
    """Give a function from a door's URL to its wire."""

    def wire(url: str) -> Wire:
        where = urlsplit(url)
        assert where.hostname is not None
        assert where.port is not None
        return Wire(where.hostname, where.port)

    return wire


@pytest.fixture
def own_address() -> str:
    """Give an IPv4 address of this machine off loopback; what is sent to it travels over `lo`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.connect(("192.0.2.1", 9))  # sends nothing
            address: str = tried.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


@pytest.fixture
def unix_wire() -> Callable[[Path], UnixWire]:
    """Give a function that makes ways to a socket from its path."""
    return lambda path: UnixWire("", 0, path)


@pytest.fixture
def limits() -> ConnectionLimits:
    """Give the limits that every door is opened with."""
    return ConnectionLimits(linger_seconds=0.05)


LedgerOf = Callable[[str], Ledger]


@pytest.fixture
def audit() -> HeardAudit:
    return HeardAudit()


@pytest.fixture
def ledger_of(audit: HeardAudit, clock: "ManualClock") -> LedgerOf:
    """Give a function that makes the ledger of a door."""
    return lambda door: Ledger(door, audit, clock)


@pytest.fixture
async def open_on_loopback(
    wire_to: WireTo, limits: ConnectionLimits, ledger_of: LedgerOf
) -> AsyncIterator[Open]:
    """Give a function that opens a door on a free port for the time of the test."""
    async with AsyncExitStack() as stack:

        async def opened(
            door: Door, address: str = "127.0.0.1:0", listening: Listening = AT_HOME
        ) -> Wire:
            where = (Address.parse(address),)
            opening = open_doors([(door, where)], ledger_of, listening=listening, limits=limits)
            (found,) = await stack.enter_async_context(opening)
            return wire_to(found.urls[0])

        yield opened


@pytest.fixture
def callers(clock: "ManualClock") -> Callers:
    """Give three apps, each with a token that its user made."""
    apps = {
        WEB: App(
            "web",
            ("default", "reports"),
            ("web/*",),
            ("/web/*", "/aws/service/*"),
            (f"arn:aws:iam::{ACCOUNT}:role/web-*",),
        ),
        BATCH: App("batch", ("reports",), ("batch/*", "exact")),
        IDLE: App("idle", (), ()),
    }
    static = AppTokens(tuple(AppToken(app, Secret(token)) for token, app in apps.items()))
    rules = OwnTokenRules(
        audience="credential-sidecar", lifetime=timedelta(hours=1), grace=timedelta(hours=1)
    )
    own = OwnTokens(TokenKey.generate("EdDSA"), rules)
    return Callers(Access(tuple(apps.values()), static, own), clock)


class OneSessionEach:
    """Gives every app the same session of a role."""

    def __init__(self, roles: Mapping[str, RefreshingRole]) -> None:
        self._roles = roles

    def knows(self, role: str) -> bool:
        return role in self._roles

    def of(self, app: App, role: str) -> RefreshingRole:
        del app
        return self._roles[role]


@pytest.fixture
def sources(clock: "ManualClock") -> dict[str, PlannedSource]:
    return {name: PlannedSource(name, clock) for name in ("default", "reports")}


@pytest.fixture
async def roles(
    sources: dict[str, PlannedSource], clock: "ManualClock"
) -> dict[str, RefreshingRole]:
    """Give both roles, not yet running; `run_roles` starts them."""
    return {name: RefreshingRole(name, each, clock, jitter=float) for name, each in sources.items()}


@pytest.fixture
async def sessions(roles: dict[str, RefreshingRole]) -> OneSessionEach:
    return OneSessionEach(roles)


@pytest.fixture
async def run_roles(
    roles: dict[str, RefreshingRole], clock: "ManualClock"
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Give a function that starts renewing; each role has made its first attempt on return."""
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []

        async def run() -> None:
            tasks.extend(group.create_task(role.run()) for role in roles.values())
            await clock.advance(0)

        yield run
        for task in tasks:
            task.cancel()


@pytest.fixture
async def cold_credentials(
    open_on_loopback: Open,
    sessions: OneSessionEach,
    callers: Callers,
    ledger_of: LedgerOf,
) -> Wire:
    """Give the credentials door before any session is there."""
    door = CredentialsDoor(sessions, callers, ledger_of("credentials"))
    return await open_on_loopback(door)


@pytest.fixture
async def credentials(cold_credentials: Wire, run_roles: Callable[[], Awaitable[None]]) -> Wire:
    """Give the credentials door with a session for both roles."""
    await run_roles()
    return cold_credentials


@pytest.fixture
def planned_secrets(now: datetime) -> PlannedSecrets:
    planned = PlannedSecrets(now, texts={"web/database": "hunter2", "batch/key": "s3cr3t"})
    planned.gate.set()
    return planned


@pytest.fixture
def planned_parameters(now: datetime) -> PlannedParameters:
    return PlannedParameters(now, values={"/web/url": "http://db", "/batch/url": "s3cr3t"})


@pytest.fixture
def planned_readers() -> PlannedReaders:
    return PlannedReaders()


OpenSecrets = Callable[..., Awaitable[Wire]]


@pytest.fixture
async def open_secrets(
    open_on_loopback: Open,
    planned_secrets: PlannedSecrets,
    planned_parameters: PlannedParameters,
    planned_readers: PlannedReaders,
    callers: Callers,
    ledger_of: LedgerOf,
) -> AsyncIterator[OpenSecrets]:
    """Give a function that opens the secrets door over what is planned, with options."""
    ledger = ledger_of("secrets")
    limits = Limits(ttl_seconds=300, max_stale_seconds=3600, size=100)
    secrets = SecretCache(planned_secrets.fetch, ledger.clock, limits)
    parameters = ParameterCache(planned_parameters.fetch, ledger.clock, limits)

    async def opened(options: SecretsDoorOptions = AS_AWS_DOES) -> Wire:
        door = SecretsDoor(secrets, parameters, planned_readers, callers, ledger, options=options)
        return await open_on_loopback(door)

    yield opened
    await secrets.close()
    await parameters.close()


@pytest.fixture
async def secrets(open_secrets: OpenSecrets) -> Wire:
    """Give the secrets door over what is planned."""
    return await open_secrets()


@pytest.fixture
def pending() -> dict[str, str]:
    """Give what the admin door reports as waited for; empty means ready."""
    return {}


@pytest.fixture
async def admin(open_on_loopback: Open, pending: dict[str, str]) -> Wire:
    return await open_on_loopback(AdminDoor(lambda: pending))
