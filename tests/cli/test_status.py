"""`status`, `reload`, `refresh` and `invalidate`, asked of a real `sidecar serve`."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.cli import main

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually, Serve, Serving

CREATE_SESSION = "rolesanywhere.CreateSession"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Controlled:
    """A sidecar as a process, and its control socket."""

    process: "Serving"
    socket: Path

    def ask(self, *words: str) -> int:
        """Run a command of this program in this process; give its exit code."""
        return main([*words, "--socket", str(self.socket)])


@pytest.fixture(scope="module")
def controlled(
    shared_aws: "Aws", serve: "Serve", eventually: "Eventually", tmp_path_factory: Any
) -> Iterator[Controlled]:
    """Give a sidecar that has its session."""
    directory = tmp_path_factory.mktemp("control")
    path = directory / "control.sock"
    words = ("--config", str(shared_aws.stage.config))
    with serve(directory, *words, SIDECAR_CONTROL_SOCKET=str(path)) as process:
        controlled = Controlled(process, path)
        eventually(lambda: controlled.ask("status") == 0)
        yield controlled


Ask = Callable[..., str]


@pytest.fixture
def ask(controlled: Controlled, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Give a function that runs a command that must be done well, and returns its stdout."""

    def run(*words: str) -> str:
        capsys.readouterr()
        assert controlled.ask(*words) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


def test_the_status_says_how_everything_stands(ask: Ask, controlled: Controlled) -> None:
    status = json.loads(ask("status", "--json"))
    assert (status["ready"], status["pending"]) == (True, {})
    assert status["pid"] == controlled.process.process.pid
    assert {name: urls[0] for name, urls in status["doors"].items()} == controlled.process.doors()
    assert set(status["caches"]) == {"secrets", "parameters", "replies"}
    assert status["identity"]["serial"]
    assert all(app["roles"] for app in status["apps"].values())
    (role,) = status["roles"].values()
    assert (role["state"], role["last_error"]) == ("serving", None)
    assert role["seconds_left"] > 0
    assert role["access_key_id"].startswith("…")


def test_the_table_shows_every_role_door_and_app(ask: Ask) -> None:
    status = json.loads(ask("status", "--json"))
    first, _, *rest = ask("status").splitlines()
    assert re.fullmatch(r"sidecar \S+, process \d+: ready, up for .*", first)
    shown = {line.split()[0] for line in rest if line}
    assert {*status["doors"], *status["roles"], *status["apps"], "secrets"} <= shown


def test_the_status_holds_no_token_and_no_key(ask: Ask, shared_aws: "Aws") -> None:
    told = ask("status") + ask("status", "--json")
    assert shared_aws.stage.token_file.read_text() not in told
    assert not re.search(r"(?:ASIA|AKIA)[A-Z0-9]", told)


def test_the_program_itself_can_be_asked(
    controlled: Controlled, start: "Callable[..., subprocess.Popen[str]]"
) -> None:
    asked = start(["status", "--json"], SIDECAR_CONTROL_SOCKET=str(controlled.socket))
    out, err = asked.communicate(timeout=PATIENCE_SECONDS)
    assert (asked.returncode, err) == (0, "")
    assert json.loads(out)["ready"] is True


def test_the_socket_is_told_of_in_the_log_and_not_on_stdout(controlled: Controlled) -> None:
    lines = controlled.process.log.read_text().splitlines()
    (told,) = [line for line in lines if str(controlled.socket) in line]
    assert "INFO sidecar.web.control_socket: control socket: " in told


@pytest.mark.parametrize("words", [("refresh",), ("refresh", "default")])
def test_a_refreshed_role_gets_a_new_session(
    words: tuple[str, ...], ask: Ask, aws: "Aws", eventually: "Eventually"
) -> None:
    assert ask(*words) == "sessions to be renewed: 1\n"
    eventually(lambda: aws.emulator.calls().get(CREATE_SESSION) == 1)


def test_a_role_that_there_is_not_is_told_in_the_usual_form(
    controlled: Controlled, capsys: pytest.CaptureFixture[str]
) -> None:
    assert controlled.ask("refresh", "no\nrole") == 1
    assert capsys.readouterr() == (
        "",
        "sidecar: there is no role no\\nrole\nhint: configured are default\n",
    )


@pytest.mark.parametrize(
    "words",
    [("prod/web+1",), ("--parameter", "/prod/web"), ("--all",)],
)
def test_values_are_invalidated(
    words: tuple[str, ...],
    controlled: Controlled,
    eventually: "Eventually",
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The tests share one sidecar, and this is rare by force.
    eventually(lambda: controlled.ask("invalidate", *words) == 0)
    assert capsys.readouterr().out == "held values that are read again: 0\n"


def test_invalidating_too_often_may_be_tried_later(
    controlled: Controlled, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = [controlled.ask("invalidate", "some/secret") for _ in range(20)]
    assert {*codes} <= {0, 75}
    assert codes.count(75) >= 10
    assert "sidecar: values are being read again already\n" in capsys.readouterr().err


def test_a_reload_has_the_certificate_read_again(
    ask: Ask, controlled: Controlled, eventually: "Eventually"
) -> None:
    assert ask("reload") == "apps: web\n"
    eventually(
        lambda: (
            "reading configuration, certificate, key and tokens"
            in controlled.process.log.read_text()
        )
    )


def test_a_sidecar_without_a_session_is_not_ready(
    serve: "Serve",
    aws: "Aws",
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    eventually: "Eventually",
) -> None:
    path, words = tmp_path / "control.sock", ("--config", str(aws.stage.config))
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    with serve(tmp_path, *words, SIDECAR_CONTROL_SOCKET=str(path), **nowhere) as process:
        controlled = Controlled(process, path)

        def failing() -> bool:
            assert controlled.ask("status") == 1
            return " failing " in capsys.readouterr().out

        eventually(failing)
        assert controlled.ask("status") == 1
        out = capsys.readouterr().out
    assert "\nwaiting for:\n  role default: no valid session" in out
    assert not path.exists()
