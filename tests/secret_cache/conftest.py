"""A stand-in for AWS that answers with numbered values, or fails as it is told."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import pytest

from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.clock import Clock
from sidecar.errors import SidecarError
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import Limits, SecretCache

if TYPE_CHECKING:
    from tests.conftest import ManualClock


class Upstream(Protocol):
    """What tests see of the stand-in."""

    failure: SidecarError | None
    gate: asyncio.Event
    asked: list[SecretQuery]

    async def fetch(self, query: SecretQuery) -> SecretValue: ...


class _Upstream:
    def __init__(self) -> None:
        self.failure: SidecarError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[SecretQuery] = []

    async def fetch(self, query: SecretQuery) -> SecretValue:
        self.asked.append(query)
        number = len(self.asked)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return SecretValue(
            arn=f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{query.secret_id}-AbCdEf",
            name=query.secret_id,
            version_id=str(number),
            text=Secret(f"canary-value-{number}"),
            binary=None,
            version_stages=("AWSCURRENT",),
            created_at=None,
        )


@pytest.fixture(scope="session")
def make_upstream() -> Callable[[], Upstream]:
    """Give a function that makes a stand-in, for tests that need several."""
    return _Upstream


@pytest.fixture
def upstream(make_upstream: Callable[[], Upstream]) -> Upstream:
    return make_upstream()


@pytest.fixture
def make_clock(clock: "ManualClock", now: datetime) -> Callable[[], "ManualClock"]:
    """Give a function that makes a clock, for tests that need several."""
    return lambda: type(clock)(now)


@pytest.fixture(scope="session")
def make_cache() -> Callable[[Upstream, Clock], SecretCache]:
    """Give a function that makes a cache of two secrets: fresh for 300 s, in need for 600 more."""
    limits = Limits(ttl_seconds=300, max_stale_seconds=600, size=2)
    return lambda upstream, clock: SecretCache(upstream.fetch, clock, limits)
