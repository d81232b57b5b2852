"""The systemd units in deploy/: they name doors that exist, and systemd's own tools take them."""

import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.config.doors_section import DoorsSection

if TYPE_CHECKING:
    from tests.conftest import Eventually

UNITS = Path(__file__).parents[2] / "deploy/systemd"
SERVICE = UNITS / "credential-sidecar.service"
SOCKETS = sorted(UNITS.glob("*.socket"))


def _values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.mark.parametrize("unit", SOCKETS, ids=lambda unit: unit.name)
def test_a_socket_is_a_door_s_at_the_address_that_it_has_by_default(unit: Path) -> None:
    (door,) = _values(unit, "FileDescriptorName")
    default = DoorsSection().by_door()[door]
    assert _values(unit, "ListenStream") == [str(each) for each in default]
    assert _values(unit, "Service") == [SERVICE.name]


def test_the_service_takes_every_socket() -> None:
    assert sorted(_values(SERVICE, "Sockets")) == [each.name for each in SOCKETS]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_has_nothing_to_say_against_the_units(tmp_path: Path) -> None:
    for unit in (SERVICE, *SOCKETS):
        # The program that it names is not here.
        here = re.sub(
            r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE
        )
        (tmp_path / unit.name).write_text(here)
    names = [str(tmp_path / unit.name) for unit in (SERVICE, *SOCKETS)]
    done = subprocess.run(
        ["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False
    )
    about_ours = [line for line in done.stderr.splitlines() if "credential-sidecar" in line]
    assert (done.returncode, about_ours) == (0, [])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port: int = opened.getsockname()[1]
        return port


def _answered(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False  # it does not listen yet


@pytest.mark.skipif(
    shutil.which("systemd-socket-activate") is None, reason="systemd-socket-activate is missing"
)
def test_systemd_s_own_socket_starts_it_and_is_answered(
    variables: dict[str, str], tmp_path: Path, eventually: "Eventually"
) -> None:
    port = _free_port()
    given = [f"--setenv={name}={value}" for name, value in variables.items()]
    listen = ["--listen", f"127.0.0.1:{port}", "--fdname=admin", *given]
    command: Any = ["systemd-socket-activate", *listen, sys.executable, "-m", "sidecar", "serve"]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path) as process,
    ):
        assert eventually(lambda: _answered(f"http://127.0.0.1:{port}/healthz"))
        process.terminate()
        assert process.wait(30) == 0
    assert f"listening on http://127.0.0.1:{port} (admin)" in (tmp_path / "log").read_text()
