"""A role source whose sessions and failures are planned, and a refreshing role around it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import NotReady
from sidecar.providers.refreshing import RefreshingRole
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock


class FakeSource:
    """A role source whose sessions are numbered and whose failures are planned."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failure: Exception | None = None
        self.lifetime = timedelta(hours=1)
        self.age = timedelta(0)
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked_at: list[datetime] = []
        self.in_flight = self.most_in_flight = 0

    async def fetch(self) -> Credentials:
        self.asked_at.append(self._clock.now())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if self.failure is not None:
            raise self.failure
        return self._session()

    def asked_after(self) -> list[float]:
        """Give the moments of asking, in seconds since the first."""
        return [(each - self.asked_at[0]).total_seconds() for each in self.asked_at]

    def _session(self) -> Credentials:
        issued_at = self._clock.now() - self.age
        return Credentials(
            access_key_id=f"ASIA{len(self.asked_at)}",
            secret_access_key=Secret("canary-secret"),
            session_token=Secret("canary-token"),
            issued_at=issued_at,
            expires_at=issued_at + self.lifetime,
            role_arn="arn:aws:iam::123456789012:role/billing",
            account_id="123456789012",
        )


@pytest.fixture
def source(clock: "ManualClock") -> FakeSource:
    return FakeSource(clock)


@pytest.fixture
def role(source: FakeSource, clock: "ManualClock") -> RefreshingRole:
    return RefreshingRole("billing", source, clock, jitter=lambda: 0.5)


@pytest.fixture
async def start(role: RefreshingRole) -> AsyncIterator[Callable[[], asyncio.Task[None]]]:
    """Give a function that starts the renewing; it is ended with the test."""
    tasks: list[asyncio.Task[None]] = []

    def begin() -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(role.run()))
        return tasks[-1]

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def reason(role: RefreshingRole) -> Callable[[], NotReady]:
    """Give a function that asks for the session in vain and returns why."""

    def refused() -> NotReady:
        with pytest.raises(NotReady) as caught:
            role.current()
        return caught.value

    return refused
