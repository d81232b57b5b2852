"""A second sidecar with the configuration of a running one ends, and the first notices nothing."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.clock import SystemClock
from sidecar.config.address import Address
from sidecar.config.control_section import SocketPlace
from sidecar.config.load import load_config
from sidecar.errors import ListenError, OperatorError
from sidecar.living_access import LivingAccess
from sidecar.preflight import prepare
from sidecar.service import Sidecar, running_sidecar
from sidecar.web.configured_doors import Opening

if TYPE_CHECKING:
    import aiohttp

Opens = Callable[[str, str], AbstractAsyncContextManager[Sidecar]]

CONFIG = """
[doors]
credentials = "off"
secrets = "off"
aws_api = "off"
[audit]
destination = "off"
[aws]
region = "us-east-1"
[roles.default]
source = "web-identity"
token_file = "/nowhere/token"
role_arn = "arn:aws:iam::123456789012:role/r"
[apps.web]
secrets = ["*"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web" / "token"


@pytest.fixture
def opens(tmp_path: Path, file: Path) -> Opens:
    """Give a function from an admin address and a control socket's name to a sidecar."""
    config = tmp_path / "sidecar.toml"
    config.write_text(f'{CONFIG}token_file = "{file}"\n')

    def sidecar(admin: str, control: str) -> AbstractAsyncContextManager[Sidecar]:
        loaded, clock = load_config(config, {}), SystemClock()
        doors = replace(loaded.config.doors, admin=(Address.parse(admin),))
        place = SocketPlace(tmp_path / control, configured=True)
        prepared = prepare(loaded, {}, clock.now())
        opening = Opening(control=place)
        return running_sidecar(
            replace(loaded.config, doors=doors), prepared, clock, opening=opening
        )

    return sidecar


def _seen(file: Path) -> tuple[str, int, int]:
    status = file.stat()
    return file.read_text(), status.st_ino, status.st_mtime_ns


async def test_a_second_sidecar_that_finds_an_address_taken_touches_no_token(
    opens: Opens, file: Path
) -> None:
    async with opens("127.0.0.1:0", "first") as first:
        taken = first.doors[0].urls[0].removeprefix("http://")
        before = _seen(file)
        with pytest.raises(ListenError, match="Address already in use"):
            async with opens(taken, "second"):
                pass
        assert _seen(file) == before


async def test_a_second_sidecar_that_finds_the_control_socket_taken_touches_no_token(
    opens: Opens, file: Path
) -> None:
    async with opens("127.0.0.1:0", "first"):
        before = _seen(file)
        with pytest.raises(ListenError, match="a living sidecar answers"):
            async with opens("127.0.0.1:0", "first"):
                pass
        assert _seen(file) == before


async def test_a_sidecar_that_holds_its_addresses_writes_its_tokens_before_it_says_so(
    opens: Opens, file: Path
) -> None:
    async with opens("127.0.0.1:0", "first"):
        before = _seen(file)
    async with opens("127.0.0.1:0", "second"):
        # Signed with another key: the old one's would open nothing.
        assert _seen(file) != before


async def test_a_sidecar_that_cannot_write_its_tokens_ends_and_holds_nothing(
    opens: Opens, file: Path
) -> None:
    opening = opens("127.0.0.1:0", "first")
    file.parent.rmdir()
    with pytest.raises(OperatorError, match=f"{file} cannot be written"):
        async with opening:
            pass
    async with opens("127.0.0.1:0", "first"):
        assert _seen(file)


async def test_a_sidecar_is_not_ready_before_its_token_files_are_written(
    opens: Opens, http: "aiohttp.ClientSession", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LivingAccess, "write_first_tokens", lambda _: None)
    async with opens("127.0.0.1:0", "first") as sidecar:
        async with http.get(f"{sidecar.doors[0].urls[0]}/readyz") as response:
            told = await response.json()
        assert told["pending"]["token files"] == "not written yet"
