"""Fixtures for every test: moments, a certificate authority, openssl, AWS, `sidecar serve`."""

import asyncio
import heapq
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, settings

from sidecar.audit.event import AuditEvent, Result
from sidecar.audit.trail import NoTrail
from sidecar.ca import (
    Authority,
    PrivateKey,
    Subject,
    create_intermediate,
    create_root,
    issue_workload,
)

if TYPE_CHECKING:
    from sidecar.demo.stage import Stage
    from sidecar.emulator.server import Emulator

# How long a test asks for what must come; a right program on a busy machine needs far less.
PATIENCE_SECONDS: Final = 30.0
Eventually = Callable[[Callable[[], Any]], Any]

# The machine may be busy: only what a property says may fail it, never how long it took.
settings.register_profile("sidecar", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sidecar")


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, moment: datetime) -> None:
        self._now = moment
        self._elapsed = 0.0
        self._suspended = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def elapsed(self) -> float:
        return self._elapsed + self._suspended

    async def sleep(self, seconds: float) -> None:
        released: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), released))
        await released

    async def advance(self, seconds: float) -> None:
        """Let time pass: wake sleepers one by one when they are due, and let each one work.

        Work that goes to a thread or a socket is not waited for.
        """
        end = self._elapsed + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, released = heapq.heappop(self._sleepers)
            self._pass(due - self._elapsed)
            if not released.done():
                released.set_result(None)
                await _settle()
        self._pass(end - self._elapsed)
        await _settle()

    def jump(self, seconds: float) -> None:
        """Let time pass in which nothing ran and no sleep went on, as on a suspended laptop."""
        self._suspended += seconds
        self._now += timedelta(seconds=seconds)

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock by so much, without any time passing."""
        self._now += timedelta(seconds=seconds)

    def _pass(self, seconds: float) -> None:
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)


async def _settle() -> None:
    """Run the loop until tasks that only wait for each other have come to rest."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def clock(now: datetime) -> ManualClock:
    return ManualClock(now)


class HeardAudit(NoTrail):
    """Keeps every event, for tests to look at."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    def record(self, event: AuditEvent) -> None:
        self.events.append(event)

    def told(self) -> list[tuple[Result, str, str]]:
        return [(each.result, each.action, each.resource) for each in self.events]

    def only(self) -> AuditEvent:
        """Give the one event that there is."""
        (event,) = self.events
        return event

    def taken(self) -> list[AuditEvent]:
        """Give what was put down since the last time."""
        taken, self.events = self.events, []
        return taken


NewEvent = Callable[..., AuditEvent]


@pytest.fixture(scope="session")
def new_event(now: datetime) -> NewEvent:
    """Give a function that makes an event of as little as there must be, and what is given."""

    def make(**more: Any) -> AuditEvent:
        must = {"time": now, "door": "secrets", "action": "Get", "result": Result.GRANTED}
        return AuditEvent(**{**must, **more})

    return make


@pytest.fixture(scope="session")
def root(now: datetime) -> Authority:
    return create_root(Subject("Test root"), now=now, validity=timedelta(days=3650))


@pytest.fixture(scope="session")
def intermediate(root: Authority, now: datetime) -> Authority:
    validity = timedelta(days=365)
    return create_intermediate(root, Subject("Test intermediate"), now=now, validity=validity)


@pytest.fixture(scope="session")
def workload(intermediate: Authority, now: datetime) -> tuple[x509.Certificate, PrivateKey]:
    """Give an end-entity certificate under the intermediate, with its key."""
    subject = Subject("billing", "Example", "Payments")
    return issue_workload(intermediate, subject, now=now, validity=timedelta(days=30))


@pytest.fixture(scope="session")
def ordinary_user() -> Callable[[], AbstractContextManager[None]]:
    """Give a block in which file modes count even when the tests run as root."""

    @contextmanager
    def block() -> Iterator[None]:
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(before)

    return block


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Give a directory to whose path everybody has access, unlike pytest's own."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture(scope="session")
def openssl() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs openssl and returns how it ended."""
    program = shutil.which("openssl")
    assert program is not None, "these tests let openssl judge: install it"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    return run


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    """Give the vectors' throw-away key: making a fresh one takes long."""
    pem = (Path(__file__).parent / "vectors/create_session_rsa/private_key.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@dataclass(frozen=True)
class Aws:
    """An emulator, what the demo registers there, and its administrator's hand."""

    emulator: "Emulator"
    stage: "Stage"
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> Any:
        """Give the administrator's client, which is made once: that takes a third of a second."""
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    def _new_client(self, service: str) -> Any:
        import boto3  # noqa: PLC0415 - not for the tests that need no AWS

        administrator = self.emulator.administrator
        connect: Any = boto3.Session(
            aws_access_key_id=administrator.access_key_id,
            aws_secret_access_key=administrator.secret_access_key.reveal(),
            region_name=self.emulator.region,
        ).client
        return connect(service, endpoint_url=self.emulator.url)

    def new_secret(self, value: str, folder: str = "demo") -> str:
        """Make a secret that no other test uses, and return its name; the role may read it."""
        name = f"{folder}/{uuid4().hex}"
        self.client("secretsmanager").create_secret(Name=name, SecretString=value)
        return name


@pytest.fixture(scope="session")
def shared_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """Give one emulator for the session, on the machine's own clock; `aws` hands it out healed."""
    from sidecar.demo.stage import ROLE_NAME, Places, set_stage  # noqa: PLC0415 - boto3 is slow
    from sidecar.emulator.server import running_emulator  # noqa: PLC0415 - moto is slower

    with running_emulator() as emulator:
        free = "127.0.0.1:0"
        places = Places(tmp_path_factory.mktemp("stage"), emulator.url, free, free, free, free)
        aws = Aws(emulator, set_stage(places, datetime.now(UTC)))
        allowed = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        aws.client("iam").put_role_policy(
            RoleName=ROLE_NAME, PolicyName="tests", PolicyDocument=document
        )
        yield aws


@pytest.fixture
def aws(shared_aws: Aws) -> Iterator[Aws]:
    """Give the emulator with no call counted, and without faults afterwards."""
    shared_aws.emulator.clear_calls()
    yield shared_aws
    shared_aws.emulator.set_faults()


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Give a function that asks until the answer is true and returns it; never is a failure."""

    def ask(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (answer := condition()):
            assert time.monotonic() < deadline, "this never came true"
            time.sleep(0.02)
        return answer

    return ask


@dataclass(frozen=True)
class Serving:
    """A `sidecar serve` process and everything that it wrote, stdout and stderr alike."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def doors(self) -> dict[str, str]:
        """Give the URL of each door that listens, by name."""
        lines = [line.split() for line in self.log.read_text().splitlines() if "listening" in line]
        return {words[3].strip("()"): words[2] for words in lines}

    def end(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)


Serve = Callable[..., AbstractContextManager[Serving]]


@pytest.fixture(scope="session")
def serve(eventually: Eventually) -> Serve:
    """Give a function that runs `sidecar serve` as a process; variables are configuration."""

    @contextmanager
    def running(directory: Path, *words: str, **variables: str) -> Iterator[Serving]:
        # Without a place for a control socket, unless a test names one.
        ours = ("AWS_", "SIDECAR_", "XDG_RUNTIME_DIR")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        log = directory / "serve.log"
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [sys.executable, "-m", "sidecar", "serve", *words],
                env={**inherited, "HOME": str(directory), **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            serving = Serving(process, log)
            try:
                eventually(lambda: "admin" in serving.doors() or process.poll() is not None)
                yield serving
                serving.end()
            finally:
                process.kill()

    return running
