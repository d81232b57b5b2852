"""The keys of an issuer over time: renewed, shared by who waits, and kept when that fails."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.access.kept_key_set import KeptKeySet, KeyFile, KeyUrl
from sidecar.access.key_set import KeySet, parse_key_set
from sidecar.errors import OperatorError, UpstreamUnavailable

if TYPE_CHECKING:
    from tests.access.conftest import Jwks, Signer
    from tests.conftest import ManualClock

URL = "https://cluster.example/jwks"


class Issuer:
    """An address that gives what a test wants, at once or when it is let."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked = 0
        self.down = False
        self.free = asyncio.Event()
        self.free.set()

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.free.wait()
        if self.down:
            raise UpstreamUnavailable("gave no answer: canary is down")
        return self.content


def _state(kept: KeptKeySet) -> tuple[str | None, list[str | None]]:
    return kept.trouble, _kids(kept.current)


Running = Callable[[KeptKeySet], AbstractAsyncContextManager[None]]


@pytest.fixture
def running() -> Running:
    @asynccontextmanager
    async def block(kept: KeptKeySet) -> AsyncIterator[None]:
        task = asyncio.create_task(kept.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return block


@pytest.fixture
async def issuer(signer: "Signer", jwks: "Jwks") -> Issuer:
    return Issuer(jwks(signer))


@pytest.fixture
def kept(issuer: Issuer, clock: "ManualClock") -> KeptKeySet:
    return KeptKeySet("cluster", KeyUrl(URL, issuer.fetch, 300), clock)


def _kids(keys: KeySet | None) -> list[str | None]:
    return [] if keys is None else [each.kid for each in keys.keys]


async def test_keys_are_fetched_at_start_and_at_fixed_intervals(
    kept: KeptKeySet, issuer: Issuer, clock: "ManualClock", running: Running
) -> None:
    assert kept.current is None
    async with running(kept):
        await clock.advance(0)
        assert (issuer.asked, _kids(kept.current)) == (1, ["first"])
        await clock.advance(299)
        assert issuer.asked == 1
        await clock.advance(1)
        assert issuer.asked == 2


async def test_new_keys_are_taken_and_keys_that_are_gone_verify_no_more(
    kept: KeptKeySet,
    issuer: Issuer,
    clock: "ManualClock",
    running: Running,
    other: "Signer",
    jwks: "Jwks",
) -> None:
    async with running(kept):
        await clock.advance(0)
        issuer.content = jwks(other)
        await clock.advance(300)
        assert _kids(kept.current) == ["second"]


@pytest.mark.parametrize("content", [None, b"<html>", b'{"keys":[]}', b" " * 300_000])
async def test_whatever_goes_wrong_the_old_keys_stay_and_it_is_logged_once(
    kept: KeptKeySet,
    issuer: Issuer,
    clock: "ManualClock",
    running: Running,
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
) -> None:
    async with running(kept):
        await clock.advance(0)
        before, issuer.content = kept.current, content or b""
        issuer.down = content is None
        await clock.advance(900)
        assert before is not None
        assert kept.current is before
        assert kept.trouble is not None
    assert issuer.asked > 3
    [warning] = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert warning.getMessage() == (
        f"issuer cluster: no new keys, {URL} {kept.trouble}; the old ones stay"
    )


async def test_after_a_failure_it_is_asked_again_soon_and_ever_less_often(
    kept: KeptKeySet, issuer: Issuer, clock: "ManualClock", running: Running
) -> None:
    issuer.down = True
    async with running(kept):
        counts = []
        for seconds in (0, 5, 10, 20, 40, 80, 160, 300, 300):
            await clock.advance(seconds)
            counts.append(issuer.asked)
        assert counts == [1, 2, 3, 4, 5, 6, 7, 8, 9]
        issuer.down = False
        await clock.advance(300)
        assert (kept.trouble, _kids(kept.current)) == (None, ["first"])


async def test_an_unknown_key_has_the_issuer_asked_once_for_any_number_of_callers(
    kept: KeptKeySet,
    issuer: Issuer,
    clock: "ManualClock",
    running: Running,
    other: "Signer",
    jwks: "Jwks",
) -> None:
    async with running(kept):
        await clock.advance(0)
        await clock.advance(10)
        issuer.content = jwks(other)
        answers = await asyncio.gather(*(kept.renewed() for _ in range(50)))
        assert (answers, issuer.asked, _kids(kept.current)) == ([True] * 50, 2, ["second"])


async def test_it_is_asked_again_for_that_at_most_every_ten_seconds(
    kept: KeptKeySet, issuer: Issuer, clock: "ManualClock", running: Running
) -> None:
    async with running(kept):
        await clock.advance(9.9)
        assert not await kept.renewed()
        assert issuer.asked == 1
        await clock.advance(0.1)
        assert not await kept.renewed()
        assert issuer.asked == 2
        assert not await kept.renewed()
        assert issuer.asked == 2


async def test_a_caller_waits_half_a_second_and_the_answer_is_used_all_the_same(
    kept: KeptKeySet,
    issuer: Issuer,
    clock: "ManualClock",
    running: Running,
) -> None:
    issuer.free.clear()
    async with running(kept):
        caller = asyncio.create_task(kept.renewed())
        await clock.advance(0.4)
        assert not caller.done()
        await clock.advance(0.1)
        assert caller.done()
        assert not await caller
        issuer.free.set()
        await clock.advance(0)
        assert (issuer.asked, _kids(kept.current)) == (1, ["first"])


async def test_a_caller_who_goes_away_ends_nothing(
    kept: KeptKeySet, issuer: Issuer, clock: "ManualClock", running: Running
) -> None:
    issuer.free.clear()
    async with running(kept):
        callers = [asyncio.create_task(kept.renewed()) for _ in range(2)]
        await clock.advance(0)
        callers[0].cancel()
        await clock.advance(0)
        issuer.free.set()
        assert await callers[1]


async def test_who_runs_it_next_does_not_wait_for_what_the_last_one_asked(
    kept: KeptKeySet, issuer: Issuer, clock: "ManualClock", running: Running
) -> None:
    issuer.free.clear()
    first = asyncio.create_task(kept.run())
    await clock.advance(0)
    first.cancel()
    async with running(kept):
        await clock.advance(0)
        issuer.free.set()
        await clock.advance(0)
        assert (issuer.asked, _kids(kept.current)) == (2, ["first"])


async def test_what_is_no_failure_of_the_issuer_is_not_hidden(
    clock: "ManualClock",
) -> None:
    async def fetch() -> bytes:
        raise ZeroDivisionError

    kept = KeptKeySet("cluster", KeyUrl(URL, fetch, 300), clock)
    with pytest.raises(ZeroDivisionError):
        await kept.run()


@pytest.fixture
def file(tmp_path: Path, signer: "Signer", jwks: "Jwks") -> Path:
    path = tmp_path / "cluster.jwks"
    path.write_bytes(jwks(signer))
    return path


@pytest.fixture
def from_file(file: Path, clock: "ManualClock") -> KeptKeySet:
    source = KeyFile(file)
    return KeptKeySet("cluster", source, clock, parse_key_set(source.read_now() or b""))


def _take_away(file: Path) -> Path:
    return file.rename(file.with_suffix(".away"))


def _put_back(away: Path, file: Path) -> None:
    away.rename(file)


def _replace(file: Path, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)


async def test_a_replaced_file_is_read_within_seconds(
    from_file: KeptKeySet,
    file: Path,
    clock: "ManualClock",
    running: Running,
    other: "Signer",
    jwks: "Jwks",
) -> None:
    async with running(from_file):
        await clock.advance(2)
        assert _kids(from_file.current) == ["first"]
        _replace(file, jwks(other))
        await clock.advance(2)
        assert _kids(from_file.current) == ["second"]


async def test_an_unknown_key_has_a_file_looked_at_at_once(
    from_file: KeptKeySet, file: Path, other: "Signer", jwks: "Jwks"
) -> None:
    assert not await from_file.renewed()
    _replace(file, jwks(other))
    assert await from_file.renewed()
    assert _kids(from_file.current) == ["second"]


async def test_a_file_that_is_gone_or_broken_leaves_the_keys_and_may_come_back(
    from_file: KeptKeySet,
    file: Path,
    signer: "Signer",
    jwks: "Jwks",
    clock: "ManualClock",
    running: Running,
) -> None:
    async with running(from_file):
        _take_away(file)
        await clock.advance(6)
        assert _state(from_file) == ("cannot be read: No such file or directory", ["first"])
        _replace(file, b"{")
        await clock.advance(6)
        assert _state(from_file) == ("is not JSON", ["first"])
        _replace(file, jwks(signer))
        await clock.advance(2)
        assert _state(from_file) == (None, ["first"])


async def test_a_file_that_comes_back_as_it_was_is_no_trouble(
    from_file: KeptKeySet, file: Path, clock: "ManualClock", running: Running
) -> None:
    async with running(from_file):
        away = _take_away(file)
        await clock.advance(2)
        _put_back(away, file)
        await clock.advance(2)
        assert _state(from_file) == (None, ["first"])


def test_a_pipe_in_a_file_s_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "jwks")
    with pytest.raises(OperatorError, match=r"^cannot be read: not a regular file$"):
        KeyFile(tmp_path / "jwks").read_now()
