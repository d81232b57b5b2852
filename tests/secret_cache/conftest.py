"""Two stand-ins for AWS: one that gives numbered values, and a world of secrets that change."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.clock import Clock
from sidecar.errors import SidecarError, UpstreamRefused
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits

if TYPE_CHECKING:
    from tests.conftest import ManualClock

_PREFIX: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"


class Upstream(Protocol):
    """What tests see of the stand-in that gives numbered values."""

    failure: SidecarError | None
    gate: asyncio.Event
    asked: list[SecretQuery]

    async def fetch(self, _reader: Reader, query: SecretQuery) -> SecretValue: ...


class _Upstream:
    def __init__(self) -> None:
        self.failure: SidecarError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[SecretQuery] = []

    async def fetch(self, _reader: Reader, query: SecretQuery) -> SecretValue:
        self.asked.append(query)
        number = len(self.asked)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return SecretValue(
            arn=f"{_PREFIX}{query.secret_id}-AbCdEf",
            name=query.secret_id,
            version_id=str(number),
            text=Secret(f"canary-value-{number}"),
            binary=None,
            version_stages=(query.version_stage or "AWSCURRENT",),
            created_at=None,
        )


@dataclass
class Stored:
    """A secret in the world: its versions' texts, and which version each stage is on."""

    arn: str
    versions: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """Secrets as AWS keeps them: ids of every form, versions, stages, deletion."""

    secrets: dict[str, Stored] = field(default_factory=dict)
    asked: list[SecretQuery] = field(default_factory=list)
    failure: SidecarError | None = None
    gate: asyncio.Event | None = None
    outage: Callable[[], Awaitable[None]] | None = None
    _numbers: "count[int]" = field(default_factory=count)

    def create(self, name: str) -> str:
        """Make a secret with a first version; returns its ARN, which no other ever has."""
        self.secrets[name] = Stored(f"{_PREFIX}{name}-{next(self._numbers):06d}")
        self.rotate(name)
        return self.secrets[name].arn

    def rotate(self, name: str) -> str:
        """Give a secret a new current version; returns its id."""
        stored = self.secrets[name]
        version = f"v{next(self._numbers)}"
        stored.versions[version] = f"canary-{version}"
        if "AWSCURRENT" in stored.stages:
            stored.stages["AWSPREVIOUS"] = stored.stages["AWSCURRENT"]
        stored.stages["AWSCURRENT"] = version
        return version

    def swap(self, name: str) -> None:
        """Move AWSCURRENT back to the previous version, as for a roll-back."""
        stages = self.secrets[name].stages
        if "AWSPREVIOUS" in stages:
            current, previous = stages["AWSCURRENT"], stages["AWSPREVIOUS"]
            stages |= {"AWSCURRENT": previous, "AWSPREVIOUS": current}

    def find(self, query: SecretQuery) -> SecretValue:
        """Answer as AWS does at this moment."""
        for name, stored in self.secrets.items():
            if query.secret_id in (name, stored.arn, stored.arn[:-7]):
                return self._version(name, stored, query)
        raise UpstreamRefused("no such secret", status=400, code="ResourceNotFoundException")

    async def fetch(self, _reader: Reader, query: SecretQuery) -> SecretValue:
        """Answer with what there is when the call comes in, however long the answer takes."""
        if self.outage is not None:
            await self.outage()
        self.asked.append(query)
        try:
            outcome: SecretValue | SidecarError = self.find(query)
        except SidecarError as exc:
            outcome = exc
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if isinstance(outcome, SidecarError):
            raise outcome
        return outcome

    def _version(self, name: str, stored: Stored, query: SecretQuery) -> SecretValue:
        assert query.version_id is not None or query.version_stage is not None, "a stage is named"
        on_stage = stored.stages.get(query.version_stage or "")
        version = query.version_id or on_stage
        if version not in stored.versions or (query.version_stage and version != on_stage):
            raise UpstreamRefused("no such version", status=400, code="ResourceNotFoundException")
        assert version is not None
        stages = tuple(sorted(stage for stage, on in stored.stages.items() if on == version))
        text = Secret(stored.versions[version])
        return SecretValue(stored.arn, name, version, text, None, stages, None)


@pytest.fixture(scope="session")
def make_upstream() -> Callable[[], Upstream]:
    """Give a function that makes a stand-in, for tests that need several."""
    return _Upstream


@pytest.fixture
def upstream(make_upstream: Callable[[], Upstream]) -> Upstream:
    return make_upstream()


@pytest.fixture(scope="session")
def make_world() -> Callable[[], World]:
    """Give a function that makes a world, for tests that need several."""
    return World


@pytest.fixture
def world(make_world: Callable[[], World]) -> World:
    return make_world()


@pytest.fixture
def make_clock(clock: "ManualClock", now: datetime) -> Callable[[], "ManualClock"]:
    """Give a function that makes a clock, for tests that need several."""
    return lambda: type(clock)(now)


class MakeCache(Protocol):
    """How tests make a cache."""

    def __call__(
        self, upstream: Upstream | World, clock: Clock, limits: Limits = ...
    ) -> SecretCache: ...


@pytest.fixture(scope="session")
def make_cache() -> MakeCache:
    """Give a function that makes a cache; of two secrets, 300 s fresh and 600 s more in need."""
    usual = Limits(ttl_seconds=300, max_stale_seconds=600, size=2)

    def make(upstream: Upstream | World, clock: Clock, limits: Limits = usual) -> SecretCache:
        return SecretCache(upstream.fetch, clock, limits, jitter=lambda: 0.5)

    return make


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader("default", "eu-central-1")


@pytest.fixture
def cache(make_cache: MakeCache, upstream: Upstream, clock: "ManualClock") -> SecretCache:
    return make_cache(upstream, clock)


@pytest.fixture
def ask(cache: SecretCache, reader: Reader) -> Any:
    """Give a function that reads a secret: which of AWS's answers it is, and its state."""

    async def asking(secret_id: str = "a", *, refresh_now: bool = False) -> tuple[int, str]:
        answer = await cache.get(reader, SecretQuery(secret_id), refresh_now=refresh_now)
        return int(answer.value.version_id), answer.state

    return asking
