"""What a running sidecar says of itself over its control socket, in each of its states."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.cli.control_client import ask
from sidecar.clock import Clock, SystemClock, iso_seconds
from sidecar.config.control_section import SocketPlace
from sidecar.config.load import load_config
from sidecar.preflight import prepare
from sidecar.service import running_sidecar
from sidecar.web.configured_doors import Opening

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Gate, Until

HOUR = 3600
Status = Callable[[], Awaitable[dict[str, Any]]]
StartAsking = Callable[..., Awaitable[Status]]


@pytest.fixture
def base(config_file: Path) -> str:
    """Give the configuration of one role and one app."""
    return config_file.read_text()


@pytest.fixture
async def start_asking(
    base: str, variables: dict[str, str], tmp_path: Path
) -> AsyncIterator[StartAsking]:
    """Give a function that starts a sidecar, with more of a configuration; it gives its status."""
    path = tmp_path / "control.sock"
    async with AsyncExitStack() as stack:

        async def started(clock: Clock, more: str = "", **changed: str) -> Status:
            config = tmp_path / "sidecar.toml"
            config.write_text(f"{base}\n{more}")
            environment = {**variables, **changed}
            loaded = load_config(config, environment)
            prepared = prepare(loaded, environment, clock.now())
            place = SocketPlace(path, configured=True)
            opening = Opening(control=place)
            running = running_sidecar(loaded.config, prepared, clock, opening=opening)
            await stack.enter_async_context(running)
            return lambda: asyncio.to_thread(ask, path, "GET", "/status")

        yield started


async def test_a_role_that_has_not_been_asked_for_yet_is_waiting(
    start_asking: StartAsking, clock_of_today: "ManualClock"
) -> None:
    began = clock_of_today.now()
    status = await start_asking(clock_of_today, SIDECAR_AWS_START_SPREAD_SECONDS="3600")
    await clock_of_today.advance(0)
    told = await status()
    role = told["roles"]["default"]
    assert (role["state"], role["expires_at"], role["access_key_id"]) == ("waiting", None, None)
    assert iso_seconds(began) <= role["next_renewal"] <= iso_seconds(began + timedelta(hours=1))
    assert (told["ready"], list(told["pending"])) == (False, ["role default"])


async def test_a_role_that_cannot_be_had_is_failing_and_says_why(
    start_asking: StartAsking, gate: "Gate", until: "Until"
) -> None:
    await gate.shut()
    status = await start_asking(SystemClock())

    async def failing() -> bool:
        return bool((await status())["roles"]["default"]["state"] == "failing")

    await until(failing)
    assert (await status())["roles"]["default"]["last_error"]


async def test_a_served_role_says_until_when_and_when_it_is_renewed(
    start_asking: StartAsking, until: "Until"
) -> None:
    status = await start_asking(SystemClock())

    async def serving() -> bool:
        return bool((await status())["roles"]["default"]["state"] == "serving")

    await until(serving)
    told = await status()
    role = told["roles"]["default"]
    assert told["started_at"] < role["next_renewal"] < role["expires_at"]
    assert 0 < role["seconds_left"] <= HOUR


async def test_files_are_counted_by_whether_they_are_written(
    start_asking: StartAsking, aws: "Aws", until: "Until", tmp_path: Path
) -> None:
    names = [aws.new_secret("value"), "demo/there-is-none"]
    files = "".join(
        f'[[files]]\npath = "{tmp_path}/file-{place}"\nsecret = "{name}"\n'
        for place, name in enumerate(names)
    )
    status = await start_asking(SystemClock(), files)

    async def written() -> bool:
        return bool((await status())["files"] == {"delivered": 1, "pending": 1})

    await until(written)
    told = await status()
    assert f"file {tmp_path}/file-1" in told["pending"]


async def test_the_uptime_is_that_of_the_clock_that_nobody_sets(
    start_asking: StartAsking, clock_of_today: "ManualClock"
) -> None:
    status = await start_asking(clock_of_today)
    await clock_of_today.advance(90)
    clock_of_today.set_wall(-HOUR)
    assert (await status())["uptime_seconds"] == 90
