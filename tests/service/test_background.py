"""What runs in the background: a task that fails breaks the sidecar, one that ends does not."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from sidecar.background import Background
from sidecar.config.load import load_config
from sidecar.preflight import prepare
from sidecar.secret_cache.cache import SecretCache
from sidecar.service import running_sidecar

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Until


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    background = Background()
    yield background
    await background.close()


async def _done() -> None:
    pass


async def _failing(sentence: str) -> None:
    raise RuntimeError(sentence)


async def test_the_first_task_that_fails_breaks_it(background: Background) -> None:
    background.start(_done())
    background.start(_failing("first"))
    background.start(_failing("second"))
    with pytest.raises(RuntimeError, match="first"):
        await asyncio.wait_for(background.broken, 5)


async def test_a_task_that_ends_by_itself_breaks_nothing(
    background: Background, until: "Until"
) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        ended.set()

    background.start(work())
    await ended.wait()
    await asyncio.sleep(0)
    assert not background.broken.done()


async def test_closing_cancels_what_runs_and_breaks_nothing() -> None:
    background = Background()
    cancelled = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    background.start(endless())
    await asyncio.sleep(0)
    await background.close()
    assert (cancelled, background.broken.cancelled()) == ([True], True)


async def test_renewal_ends_before_the_caches_are_closed(
    *,
    aws: "Aws",
    variables: dict[str, str],
    clock_of_today: "ManualClock",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = []

    async def renew(_: SecretCache) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            order.append("renewal")

    async def close(_: SecretCache) -> None:
        order.append("cache")

    monkeypatch.setattr(SecretCache, "run", renew)
    monkeypatch.setattr(SecretCache, "close", close)
    loaded = load_config(aws.stage.config, variables)
    prepared = prepare(loaded, variables, clock_of_today.now())
    async with running_sidecar(loaded.config, prepared, clock_of_today):
        await asyncio.sleep(0)
    assert order == ["renewal", "cache"]
