"""Notices, and a sink that does what a test tells it to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from sidecar.errors import SidecarError
from sidecar.notice import Kind, Notice, Severity

NewNotice = Callable[..., Notice]


@dataclass
class PlannedSink:
    """Fails as often as it has errors to raise, then keeps what it is sent."""

    errors: list[Exception] = field(default_factory=list)
    attempts: int = 0
    sent: list[Notice] = field(default_factory=list)

    async def send(self, notice: Notice) -> None:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(notice)


def always(error: SidecarError) -> list[Exception]:
    """Plan more failures than any test waits for."""
    return [error] * 10_000


@pytest.fixture(scope="session")
def new_notice(now: datetime) -> NewNotice:
    """Give a function that makes a notice, of a failed rotation unless told otherwise."""

    def make(**more: Any) -> Notice:
        usual = {
            "kind": Kind.ROTATION_FAILED,
            "severity": Severity.ERROR,
            "sentence": "the key in legacy/batch was not rotated: access denied",
            "at": now,
            "facts": {"secret": "legacy/batch", "hint": "allow iam:CreateAccessKey"},
            "thread": "legacy/batch v1",
        }
        return Notice(**{**usual, **more})

    return make


UntilTrue = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture(scope="session")
def until_true() -> UntilTrue:
    """Give a function that lets the loop run until something is so; never is a failure."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0)

    return wait
