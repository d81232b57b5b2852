"""A file that is kept, with a cache whose values a test sets by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.clock import Clock
from sidecar.delivery.files import DeliveredFiles
from sidecar.delivery.prepare import PreparedFile
from sidecar.delivery.template import Template
from sidecar.delivery.values import Listener, Values
from sidecar.errors import SidecarError, UpstreamRefused
from sidecar.file_target import Target
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock

Query = SecretQuery | ParameterQuery
Value = SecretValue | ParameterValue


class Held:
    """An answer."""

    def __init__(self, value: Value) -> None:
        self.value = value


class FakeCache:
    """Gives what a test has set, to those who ask and to those who watch."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, Query], Value] = {}
        self.problems: dict[Query, Exception] = {}
        self.watches: list[tuple[Reader, Query, Listener]] = []
        self.asked: list[Query] = []
        self.silent = False

    async def get(self, reader: Reader, query: Any) -> Held:
        self.asked.append(query)
        if query in self.problems:
            raise self.problems[query]
        value = self.values.get((reader.role, query))
        if value is None:
            raise UpstreamRefused("no such secret", code="ResourceNotFoundException")
        return Held(value)

    def watch(self, reader: Reader, query: Any, listener: Listener) -> Callable[[], None]:
        watch = (reader, query, listener)
        self.watches.append(watch)
        value = self.values.get((reader.role, query))
        if value is not None and not self.silent:
            listener(Held(value))
        return lambda: self.watches.remove(watch)

    def put(self, query: Query, text: str, role: str = "default") -> None:
        """Set a value, and tell those who watch it."""
        secret = Secret(text)
        value: Value
        if isinstance(query, SecretQuery):
            value = SecretValue("arn", query.secret_id, "v", secret, None, (), None)
        else:
            value = ParameterValue(
                "arn", query.name, "SecureString", secret, 1, None, "text", None, None
            )
        self.values[role, query] = value
        if self.silent:
            return
        for reader, watched, listener in list(self.watches):
            if (reader.role, watched) == (role, query):
                listener(Held(value))

    def fail(self, query: Query, problem: SidecarError) -> None:
        """Let further questions fail."""
        self.problems[query] = problem


class Recorder:
    """An action that counts, and does what a test wants."""

    def __init__(self, path: Path) -> None:
        self.seen: list[str] = []
        self.problems: list[Exception] = []
        self.gate: asyncio.Event | None = None
        self._path = path

    async def take(self, clock: Clock) -> None:
        del clock
        self.seen.append(self._path.read_text())
        if self.gate is not None:
            await self.gate.wait()
        if self.problems:
            raise self.problems.pop(0)

    def __str__(self) -> str:
        return "recorded"


class Life:
    """One file that is kept, beside others if a test wants, and all that it depends on."""

    def __init__(self, path: Path, clock: "ManualClock") -> None:
        self.path = path
        self.clock = clock
        self.cache = FakeCache()
        self.action = Recorder(path)
        self.files = DeliveredFiles([], _reader_of, Values(self.cache, self.cache), clock)
        self.work: asyncio.Task[None] | None = None

    def keep(
        self, template: str = "${secret://a}", *others: PreparedFile, **how: Any
    ) -> dict[str, str]:
        """Begin to keep the files, and give what is pending at that moment."""
        file = PreparedFile(Target(self.path, 0o600), Template.parse(template), **how)
        values = Values(self.cache, self.cache)
        self.files = DeliveredFiles([file, *others], _reader_of, values, self.clock)
        self.work = asyncio.ensure_future(self.files.run())
        return self.files.pending()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Let the loop and its threads work, without time passing, until a condition holds."""
        async with asyncio.timeout(30):
            while not condition():
                await self.settle()
            await self.settle()

    async def settle(self) -> None:
        """Wait for what is being written, and let the loop hear of it."""
        await asyncio.to_thread(lambda: None)
        await self.clock.advance(0)

    async def until_file_is(self, text: str, path: Path | None = None) -> None:
        await self.until(lambda: self.text(path) == text)

    def text(self, path: Path | None = None) -> str | None:
        """Give what stands in the file, or None where there is none; a link counts as none."""
        path = path or self.path
        return path.read_text() if path.is_file() and not path.is_symlink() else None

    async def end(self) -> None:
        if self.work is not None:
            self.work.cancel()
            await asyncio.gather(self.work, return_exceptions=True)


def _reader_of(via: str | None) -> Reader:
    return Reader(via or "default", "eu-central-1")


@pytest.fixture
async def life(tmp_path: Path, clock: "ManualClock") -> AsyncIterator[Life]:
    # With a single thread, what is put into it later ends later.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    found = Life(tmp_path / "file", clock)
    yield found
    await found.end()
