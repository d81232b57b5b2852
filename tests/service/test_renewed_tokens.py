"""Token files of a running sidecar: renewed under load, and nobody is refused who reads them.

Time is moved by hand; the clients are real, and read and ask in threads of their own.
"""

import asyncio
import http.client
import json
import stat
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from botocore.credentials import ContainerProvider

from sidecar.access.own_token import peek
from sidecar.audit.event import AuditEvent, Result
from sidecar.config.load import load_config
from sidecar.preflight import prepare
from sidecar.service import running_sidecar
from tests.conftest import HeardAudit
from tests.service.conftest import Doors

if TYPE_CHECKING:
    import aiohttp

    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Until

LIFETIME, GRACE, HALF = 60, 120, 30.0
RENEWALS: Final = 36
READERS: Final = 4
# How often each reader asks between two renewals, at the least.
ASKED: Final = 20
MODE: Final = 0o640


@dataclass(frozen=True)
class Running:
    """A sidecar that writes an app's token file, what it says of requests, and its time."""

    doors: Doors
    heard: HeardAudit
    clock: "ManualClock"

    @property
    def file(self) -> Path:
        return self.doors.token_file

    @property
    def last(self) -> AuditEvent:
        return self.heard.events[-1]

    def token(self) -> str:
        return self.file.read_text()


def _id(token: str) -> str:
    return str(peek(token)["jti"])


def _config(aws: "Aws", file: Path) -> str:
    before, static, _ = aws.stage.config.read_text().partition("static_token_file")
    assert static
    tokens = f"[tokens]\nlifetime_seconds = {LIFETIME}\ngrace_seconds = {GRACE}\n"
    return f'{before}token_file = {json.dumps(str(file))}\ntoken_file_mode = "0640"\n{tokens}'


@pytest.fixture
async def running(
    aws: "Aws",
    http: "aiohttp.ClientSession",
    tmp_path: Path,
    until: "Until",
    clock_of_today: "ManualClock",
) -> AsyncIterator[Running]:
    """Give a sidecar whose tokens live for a minute, ready."""
    file, config = tmp_path / "web" / "token", tmp_path / "sidecar.toml"
    config.write_text(_config(aws, file))
    variables = {"SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS": "900"}
    loaded = load_config(config, variables)
    prepared = prepare(loaded, variables, clock_of_today.now())
    heard = HeardAudit()
    opening = running_sidecar(loaded.config, prepared, clock_of_today, audit=heard)
    async with opening as sidecar:
        doors = Doors({each.name: each.urls[0] for each in sidecar.doors}, http, file)
        await until(doors.ready)
        yield Running(doors, heard, clock_of_today)


@dataclass
class Reader:
    """A client that reads the file each time before it asks, without end."""

    file: Path
    host: str
    path: str = "/credentials"
    asked: int = 0
    tokens: set[str] = field(default_factory=set)
    trouble: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.done.is_set():
            with self.file.open("rb") as opened:
                mode = stat.S_IMODE(self.file.stat().st_mode)
                content = opened.read()
            if content.count(b".") != 2 or content.split() != [content] or mode != MODE:
                self.trouble.append(f"read {len(content)} bytes, mode {mode:04o}")
            self.tokens.add(content.decode())
            self._ask(content.decode())

    def _ask(self, token: str) -> None:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", self.path, headers={"Authorization": token})
        response = connection.getresponse()
        response.read()
        connection.close()
        self.asked += 1
        if response.status != 200:
            self.trouble.append(f"answered {response.status}")


@asynccontextmanager
async def reading(running: Running) -> AsyncIterator[list[Reader]]:
    """Let readers read and ask for as long as the block lasts."""
    host = urlsplit(running.doors.urls["credentials"]).netloc
    readers = [Reader(running.file, host) for _ in range(READERS)]
    tasks = [asyncio.create_task(asyncio.to_thread(each.run)) for each in readers]
    try:
        yield readers
    finally:
        for each in readers:
            each.done.set()
        await asyncio.gather(*tasks)


async def test_files_are_renewed_under_load_without_a_refused_request(
    running: Running, until: "Until"
) -> None:
    written = {running.token()}
    async with reading(running) as readers:
        for renewal in range(1, RENEWALS + 1):

            async def all_have_asked(wanted: int = renewal * ASKED) -> bool:
                return all(each.asked >= wanted for each in readers)

            await until(all_have_asked)
            await running.clock.advance(HALF)
            written.add(running.token())
    assert [each.trouble for each in readers] == [[]] * READERS
    assert len(written) == RENEWALS + 1
    assert sum(each.asked for each in readers) >= RENEWALS * ASKED * READERS
    assert len(set[str]().union(*(each.tokens for each in readers))) >= RENEWALS
    assert {each.result for each in running.heard.events} == {Result.GRANTED}


async def test_a_token_that_was_read_once_counts_until_its_grace_is_over(
    running: Running,
) -> None:
    first = running.token()
    await running.clock.advance(LIFETIME + GRACE - 1)
    assert running.token() != first
    assert (await running.doors.credentials(first))[0] == 200
    assert running.last.token_id == _id(first)
    await running.clock.advance(1)
    assert (await running.doors.credentials(first))[0] == 401
    assert (running.last.result, running.last.reason) == (Result.DENIED, "the token has expired")
    assert (await running.doors.credentials())[0] == 200


Variables = Callable[[Running], dict[str, str]]


def by_file(running: Running) -> dict[str, str]:
    return {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(running.file)}


def by_variable(running: Running) -> dict[str, str]:
    """Tell the token as to an SDK that knows no file: it never learns of another."""
    return {"AWS_CONTAINER_AUTHORIZATION_TOKEN": running.token()}


def _botocore(running: Running, variables: Variables) -> Callable[[], str]:
    """Give a function that has botocore get credentials anew, and returns their access key id."""
    uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{running.doors.urls['credentials']}/credentials"}
    # The session lasts a quarter of an hour, so that botocore asks again each time it is used.
    credentials: Any = ContainerProvider(environ=uri | variables(running)).load()
    return lambda: str(credentials.get_frozen_credentials().access_key)


@pytest.mark.parametrize(
    ("variables", "result"), [(by_file, Result.GRANTED), (by_variable, Result.DENIED)]
)
async def test_botocore_goes_on_with_the_file_and_with_a_variable_until_the_grace_is_over(
    variables: Variables, result: Result, running: Running
) -> None:
    ask = await asyncio.to_thread(_botocore, running, variables)
    for seconds, expected in ((0, Result.GRANTED), (150, Result.GRANTED), (60, result)):
        await running.clock.advance(seconds)
        before = len(running.heard.events)
        assert await asyncio.to_thread(ask), "botocore goes on with what it holds"
        found = running.heard.events[before:]
        assert {each.result for each in found} == {expected}
        if variables is by_file:
            assert {each.token_id for each in found} == {_id(running.token())}


async def test_without_its_directory_the_token_counts_and_readyz_warns_until_it_is_back(
    running: Running,
) -> None:
    token = running.token()
    await asyncio.to_thread(rmtree, running.file.parent)
    await running.clock.advance(2)
    assert (await running.doors.credentials(token))[0] == 200
    status, body = await running.doors.readiness()
    warning = f"{running.file} cannot be written: No such file or directory"
    assert (status, body["warnings"]) == (200, {"token file of app web": warning})
    await asyncio.to_thread(running.file.parent.mkdir)
    await running.clock.advance(2)
    assert (await running.doors.credentials())[0] == 200
    assert "token file of app web" not in (await running.doors.readiness())[1].get("warnings", {})
