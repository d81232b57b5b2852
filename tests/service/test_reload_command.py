"""A reload that is asked for over the control socket: who asks and the log hear the same."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar.cli.control_client import ask
from sidecar.clock import SystemClock
from sidecar.config.control_section import SocketPlace
from sidecar.config.load import load_config, read_config
from sidecar.errors import ConfigError
from sidecar.preflight import prepare
from sidecar.service import running_sidecar
from sidecar.web.configured_doors import Opening

Reload = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def good(config_file: Path) -> str:
    """Give the configuration of one role and one app."""
    return config_file.read_text()


@pytest.fixture
async def reload(good: str, variables: dict[str, str], tmp_path: Path) -> AsyncIterator[Reload]:
    """Give a function that adds to a sidecar's configuration and has it read again."""
    clock, path, file = SystemClock(), tmp_path / "control.sock", tmp_path / "sidecar.toml"
    variables = {**variables, "SIDECAR_ROLES_DEFAULT_SHARED_SESSION": "true"}
    file.write_text(good)
    loaded = load_config(file, variables)
    prepared = prepare(loaded, variables, clock.now())
    opening = Opening(control=SocketPlace(path, configured=True))
    again = partial(read_config, file, variables)

    async def reloaded(more: str = "") -> dict[str, Any]:
        await asyncio.to_thread(file.write_text, f"{good}\n{more}")
        return await asyncio.to_thread(ask, path, "POST", "/reload")

    running = running_sidecar(loaded.config, prepared, clock, opening=opening, read_again=again)
    async with running:
        yield reloaded


async def test_a_reload_tells_who_is_let_in_and_what_waits(
    reload: Reload, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sidecar.reloading")
    app = f'[apps.batch]\ntoken_file = "{tmp_path}/batch/token"\n'
    told = await reload(f'{app}[log]\nlevel = "debug"\n')
    assert told == {"apps": ["web", "batch"], "waiting": ["log"]}
    assert "reloaded; apps are web, batch" in caplog.messages
    assert "only a restart takes over what changed in log" in caplog.messages


async def test_a_mistake_is_told_to_who_asks_and_to_the_log(
    reload: Reload, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigError) as refused:
        await reload("[apps.batch]\n")
    assert [str(each) for each in refused.value.problems] == ["apps.batch: has no token"]
    (said,) = [each for each in caplog.messages if each.startswith("not reloaded")]
    assert "apps.batch: has no token (hint: set exactly one of " in said
    assert await reload() == {"apps": ["web"]}


async def test_apps_that_cannot_be_told_apart_are_warned_of_after_a_reload_too(
    reload: Reload, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = f'[apps.batch]\nroles = ["default"]\ntoken_file = "{tmp_path}/batch/token"\n'
    await reload(app)
    (said,) = [each for each in caplog.messages if "share one session" in each]
    assert said.startswith("apps web, batch share one session of role default: ")
