"""Whole sidecars in the test's own loop, an AWS that can be cut off, and a client for the doors."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest

from sidecar.clock import Clock, SystemClock
from sidecar.config.control_section import SocketPlace
from sidecar.config.load import load_config
from sidecar.demo.stage import ROLE_NAME
from sidecar.preflight import prepare
from sidecar.service import running_sidecar
from sidecar.web.configured_doors import Opening
from sidecar.web.listener import DEFAULT_LIMITS, ConnectionLimits
from tests.service.key_user import KeyUser, key_user

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock, Serve, Serving

PATIENCE_SECONDS = 30.0


class Gate:
    """A TCP proxy in front of the emulator; while it is shut, AWS refuses connections."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Drop every connection and listen no more."""
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.gather(*self._serving)
            await self._server.wait_closed()
            self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Known before anything is waited for: it may be shut, and the loop end, at any moment.
        self._writers.add(writer)
        self._serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            far = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            self._writers.add(far[1])
            if writer.is_closing():
                far[1].transport.abort()
            await asyncio.gather(_pump(reader, far[1]), _pump(far[0], writer))
        writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def gate(aws: "Aws") -> AsyncIterator[Gate]:
    """Give an open gate to the emulator."""
    gate = Gate(urlsplit(aws.emulator.url).port or 0)
    await gate.open()
    yield gate
    await gate.shut()


Reply = tuple[int, Any]


@dataclass(frozen=True)
class Doors:
    """A sidecar's doors, and an app that asks at them; a reply is a status and JSON or text."""

    urls: dict[str, str]
    http: aiohttp.ClientSession
    token_file: Path

    def show(self, monkeypatch: pytest.MonkeyPatch, *, role: str) -> None:
        """Show the credentials door to SDKs, and nothing else that they take credentials from."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
        url = f"{self.urls['credentials']}/credentials/{role}"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", self.token_file.read_text())

    async def credentials(self, token: str | None = None, *, role: str = "") -> Reply:
        token = token or self.token_file.read_text()
        path = f"/credentials/{role}" if role else "/credentials"
        return await self._ask("credentials", path, Authorization=token)

    async def secret(self, secret_id: str) -> Reply:
        headers = {"X-Vault-Token": self.token_file.read_text()}
        return await self._ask("secrets", f"/v1/{secret_id}", **headers)

    async def readiness(self) -> Reply:
        return await self._ask("admin", "/readyz")

    async def waits_for(self) -> dict[str, str]:
        """Give what the sidecar says that it is not ready for, and why."""
        pending: dict[str, str] = (await self.readiness())[1]["pending"]
        return pending

    async def ready(self) -> bool:
        return (await self.readiness())[0] == 200

    async def _ask(self, door: str, path: str, **headers: str) -> Reply:
        async with self.http.get(self.urls[door] + path, headers=headers) as response:
            kind = response.headers["Content-Type"]
            answer = await (response.json() if kind == "application/json" else response.text())
            return response.status, answer


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client that opens as many connections as it is asked for."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield session


@pytest.fixture
def token_file(aws: "Aws", tmp_path: Path) -> Path:
    """Give a token file of the test's own."""
    return Path(shutil.copy(aws.stage.token_file, tmp_path / "token"))


@pytest.fixture
def variables(gate: Gate, token_file: Path) -> dict[str, str]:
    """Give the variables that lead a sidecar through the gate and to the token file."""
    return {
        "AWS_ENDPOINT_URL": gate.url,
        "SIDECAR_APPS_WEB_STATIC_TOKEN_FILE": str(token_file),
    }


Start = Callable[..., Awaitable[Doors]]


@pytest.fixture
def config_file(aws: "Aws") -> Path:
    """Give the file that sidecars are configured by."""
    return aws.stage.config


@pytest.fixture
def user(aws: "Aws") -> Iterator[KeyUser]:
    """Give a user who may do everything, with a key in a secret."""
    with key_user(aws) as user:
        user.secret_id = aws.new_secret(json.dumps(user.new_key()))
        yield user


@pytest.fixture
def config_of_user(aws: "Aws", user: KeyUser, tmp_path: Path) -> Path:
    """Give the demo's file with a role `legacy` that is the user."""
    file = tmp_path / "sidecar.toml"
    role = f'[roles.legacy]\nsource = "access-key-secret"\nsecret_id = "{user.secret_id}"\n'
    file.write_text(f'{aws.stage.config.read_text()}\n{role}via = "default"\n')
    return file


@pytest.fixture
async def start(
    config_file: Path, variables: dict[str, str], http: aiohttp.ClientSession, token_file: Path
) -> AsyncIterator[Start]:
    """Give a function that starts a sidecar; variables are configuration."""
    async with AsyncExitStack() as stack:

        async def started(
            clock: Clock | None = None,
            limits: ConnectionLimits = DEFAULT_LIMITS,
            control: SocketPlace | None = None,
            **more: str,
        ) -> Doors:
            environment = {**variables, **more}
            clock = clock or SystemClock()
            loaded = load_config(config_file, environment)
            prepared = prepare(loaded, environment, clock.now(), clock=clock)
            opening = Opening(limits, control=control)
            running = running_sidecar(loaded.config, prepared, clock, opening=opening)
            sidecar = await stack.enter_async_context(running)
            return Doors({each.name: each.urls[0] for each in sidecar.doors}, http, token_file)

        yield started


@pytest.fixture
def clock_of_today(clock: "ManualClock") -> "ManualClock":
    """Give a clock that is moved by hand from the present moment, as signatures need it."""
    return type(clock)(datetime.now(UTC))


@pytest.fixture
def allow(aws: "Aws") -> Iterator[Callable[..., None]]:
    """Give a function that lets the sidecar's role do more than read secrets one by one."""
    iam, name = aws.client("iam"), f"more-{uuid4().hex}"

    def allowed(*actions: str) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=name, PolicyDocument=document)

    allowed("sts:GetCallerIdentity")
    yield allowed
    iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName=name)


Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Give a function that asks until the answer is true; never is a failure."""

    async def ask(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.02)

    return ask


@pytest.fixture
async def warm(start: Start, until: Until) -> Doors:
    """Give a sidecar that has its session."""
    doors = await start()
    await until(doors.ready)
    return doors


@dataclass(frozen=True)
class Served:
    """A sidecar that runs as a process."""

    process: "Serving"
    doors: Doors


ServeHere = Callable[[], AbstractContextManager[Served]]


@pytest.fixture
def serve_here(
    aws: "Aws",
    serve: "Serve",
    variables: dict[str, str],
    http: aiohttp.ClientSession,
    token_file: Path,
) -> ServeHere:
    """Give a function that runs a sidecar as a process behind the gate."""

    @contextmanager
    def running() -> Iterator[Served]:
        words = ("--config", str(aws.stage.config))
        with serve(token_file.parent, *words, **variables) as process:
            yield Served(process, Doors(process.doors(), http, token_file))

    return running


Moving = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def moving(until: Until, clock_of_today: "ManualClock") -> Moving:
    """Give a function that asks as `until` does, and lets seconds pass between the questions."""

    async def ask(condition: Callable[[], Awaitable[bool]]) -> None:
        async def moved() -> bool:
            await clock_of_today.advance(2)
            return await condition()

        await until(moved)

    return ask
