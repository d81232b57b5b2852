"""The trail of a whole sidecar: closed after its doors, its losses told, its file checked first."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from sidecar.audit.trail import MOST_WAITING
from sidecar.clock import SystemClock
from sidecar.config.load import load_config
from sidecar.errors import ConfigError
from sidecar.preflight import prepare
from sidecar.service import Sidecar, running_sidecar
from tests.service.conftest import Doors

if TYPE_CHECKING:
    from tests.conftest import NewEvent

Audited = Callable[[Path], AbstractAsyncContextManager[Sidecar]]


@pytest.fixture
def audited(config_file: Path, variables: dict[str, str]) -> Audited:
    """Give a function that makes a sidecar whose trail is in a file."""

    def make(path: Path) -> AbstractAsyncContextManager[Sidecar]:
        environment = {**variables, "SIDECAR_AUDIT_DESTINATION": str(path)}
        loaded, clock = load_config(config_file, environment), SystemClock()
        return running_sidecar(loaded.config, prepare(loaded, environment, clock.now()), clock)

    return make


async def test_what_a_sidecar_puts_down_is_in_the_file_once_it_has_ended(
    audited: Audited, tmp_path: Path, new_event: "NewEvent"
) -> None:
    path = tmp_path / "audit.jsonl"
    async with audited(path) as sidecar:
        sidecar.audit.record(new_event(app="web"))
    assert json.loads(path.read_text())["app"] == "web"


async def test_events_that_were_dropped_are_warned_of(
    audited: Audited, http: aiohttp.ClientSession, tmp_path: Path, new_event: "NewEvent"
) -> None:
    async with audited(tmp_path / "audit.jsonl") as sidecar:
        doors = Doors({door.name: door.urls[0] for door in sidecar.doors}, http, tmp_path)
        assert "audit" not in (await doors.readiness())[1]["warnings"]
        while not sidecar.audit.dropped:
            for _ in range(MOST_WAITING):
                sidecar.audit.record(new_event())
        said = f"{sidecar.audit.dropped} events dropped: see the log"
        assert (await doors.readiness())[1]["warnings"]["audit"] == said


def test_a_destination_that_cannot_be_written_to_is_told_before_a_door_opens(
    audited: Audited, tmp_path: Path
) -> None:
    path = tmp_path / "missing" / "audit.jsonl"
    with pytest.raises(ConfigError) as caught:
        audited(path)
    [problem] = caught.value.problems
    assert problem.where == "audit.destination (SIDECAR_AUDIT_DESTINATION)"
    assert problem.what == f"audit trail {path} cannot be opened: No such file or directory"
