"""Handing sessions to the credentials file: again after a failure, the newest, never an old one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.cli.profile_writer import ProfileWriter
from sidecar.credentials import Credentials
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock


class _File:
    """What was written, and whether the disk is full."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.attempts = 0
        self.full = False

    async def write(self, session: Credentials) -> None:
        self.attempts += 1
        if self.full:
            raise OperatorError("the disk is full", hint="make room")
        self.held.append(session.access_key_id)


def _session(name: str, now: datetime, minutes: int = 60) -> Credentials:
    ends = now + timedelta(minutes=minutes)
    return Credentials(name, Secret("s"), Secret("t"), now, ends, "role", "1" * 12)


@pytest.fixture
def file() -> _File:
    return _File()


@pytest.fixture
async def writer(file: _File, clock: "ManualClock") -> AsyncIterator[ProfileWriter]:
    """Give a writer at work; its pauses are the longest that there are, 2 s and 4 s at first."""
    writer = ProfileWriter(file.write, clock, jitter=lambda: 1.0)
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()


async def test_each_session_is_written_once(
    writer: ProfileWriter, file: _File, clock: "ManualClock"
) -> None:
    writer.take(_session("one", clock.now()))
    await clock.advance(0)
    writer.take(_session("two", clock.now()))
    await clock.advance(0)
    await clock.advance(600)
    assert (file.held, file.attempts) == (["one", "two"], 2)


async def test_a_failure_is_tried_again_with_the_same_session(
    writer: ProfileWriter, file: _File, clock: "ManualClock"
) -> None:
    file.full = True
    writer.take(_session("one", clock.now()))
    await clock.advance(2)
    assert file.attempts == 2
    file.full = False
    await clock.advance(3.9)
    assert file.attempts == 2
    await clock.advance(0.1)
    assert file.held == ["one"]


async def test_after_a_failure_the_newest_session_is_written(
    writer: ProfileWriter, file: _File, clock: "ManualClock"
) -> None:
    file.full = True
    writer.take(_session("one", clock.now()))
    await clock.advance(0)
    writer.take(_session("two", clock.now()))
    file.full = False
    await clock.advance(600)
    assert file.held == ["two"]


async def test_an_expired_session_is_not_written(
    writer: ProfileWriter, file: _File, clock: "ManualClock"
) -> None:
    file.full = True
    writer.take(_session("one", clock.now(), minutes=1))
    await clock.advance(0)
    file.full = False
    clock.jump(120)
    await clock.advance(600)
    assert (file.held, file.attempts) == ([], 1)
