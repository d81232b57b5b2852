"""`sidecar serve` as a user meets it: what it refuses, what it prints, how it ends."""

import json
import logging
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sidecar.ca import Subject, certificate_pem, create_root, issue_workload, private_key_pem
from sidecar.cli import main
from sidecar.cli.helper_serve_flags import INSTEAD
from sidecar.cli.serve import _control, connection_limits, serve
from sidecar.clock import SystemClock
from sidecar.config.address import Address
from sidecar.config.control_section import ControlSection
from sidecar.config.doors_section import DOOR_NAMES, DoorsSection
from sidecar.config.load import read_config
from sidecar.config.option import options_of
from sidecar.config.schema import AwsSection
from sidecar.config.sources import gather
from sidecar.preflight import prepare
from sidecar.service import running_sidecar

TOKEN = "canary-token-of-the-web-app"
SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
DOORS = ("credentials", "secrets", "aws_api", "admin")
FREE = "127.0.0.1:0"


@dataclass(frozen=True)
class Machine:
    """A directory with certificate, key and token, and the variables of a sidecar there."""

    directory: Path
    variables: Mapping[str, str]

    def command(self, *words: str) -> dict[str, Any]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
        return {
            "args": [sys.executable, "-m", "sidecar", "serve", *words],
            "cwd": self.directory,
            "env": {**kept, **self.variables},
        }

    def run(self, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        command = self.command(*words)
        command["env"] |= variables
        return subprocess.run(**command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    now, week = datetime.now(UTC), timedelta(days=30)
    authority = create_root(Subject("Test root"), now=now, validity=week)
    leaf, key = issue_workload(authority, Subject("web"), now=now, validity=week)
    files = {
        "SIDECAR_CERTIFICATE": ("workload.pem", certificate_pem(leaf)),
        "SIDECAR_PRIVATE_KEY": ("workload.key", private_key_pem(key)),
        "SIDECAR_TOKEN_FILE": ("web.token", TOKEN.encode()),
    }
    for name, content in files.values():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(content)
    variables = {variable: str(tmp_path / name) for variable, (name, _) in files.items()} | {
        "SIDECAR_TRUST_ANCHOR_ARN": f"{SCOPE}:trust-anchor/a",
        "SIDECAR_PROFILE_ARN": f"{SCOPE}:profile/p",
        "SIDECAR_ROLE_ARN": "arn:aws:iam::123456789012:role/web",
        "SIDECAR_DOORS_CREDENTIALS": FREE,
        "SIDECAR_DOORS_SECRETS": FREE,
        "SIDECAR_DOORS_AWS_API": FREE,
        "SIDECAR_DOORS_ADMIN": FREE,
        # Nothing listens there: AWS is down.
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    return Machine(tmp_path, variables)


@pytest.fixture
def here(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Make the machine this process's own, for what needs no process."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "SIDECAR_")):
            monkeypatch.delenv(name)
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(machine.directory)
    return machine


def test_a_bad_configuration_is_refused_with_every_problem_and_no_traceback(
    machine: Machine,
) -> None:
    file = machine.directory / "sidecar.toml"
    file.write_text('[aws]\nregoin = "mars"\n[log]\nlevel = "loud"\n')
    ended = machine.run(SIDECAR_ROLE_ARN="web")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "sidecar: configuration has 3 problems\n"
        "  aws.regoin: unknown key\n"
        f"    hint: known are {', '.join(options_of(AwsSection))}\n"
        "  log.level: must be one of debug, info, warning, error (got 'loud')\n"
        "  roles.default.role_arn (SIDECAR_ROLE_ARN): not an ARN: expected "
        "arn:partition:service:region:account:resource (got 'web')\n"
        "    hint: aws iam list-roles shows it\n"
    )


def test_check_says_that_all_is_fine(here: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--check"]) == 0
    assert capsys.readouterr() == ("configuration, certificate and tokens are fine\n", "")


def test_check_warns_of_what_may_be_wrong(
    here: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDECAR_TYPO", "canary")
    (here.directory / "web.token").chmod(0o644)
    assert main(["serve", "--check"]) == 0
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("variable SIDECAR_TYPO means nothing to the sidecar")
    assert f"WARNING sidecar.serve: token file {here.directory}/web.token has mode 0644" in second


def test_check_lists_certificate_and_token_problems_together(
    here: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    (here.directory / "workload.pem").unlink()
    (here.directory / "web.token").write_text(f"{TOKEN}\n")
    assert main(["serve", "--check"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "sidecar",
        "  identity (SIDECAR_CERTIFICATE, SIDECAR_PRIVATE_KEY)",
        "    hint",
        "  apps.default.static_token_file (SIDECAR_TOKEN_FILE)",
        "    hint",
    ]
    assert "canary" not in err


def test_a_file_asked_for_that_is_missing_is_refused(
    here: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--config", "nowhere.toml"]) == 2
    assert capsys.readouterr().err == (
        "sidecar: configuration has 1 problem\n"
        "  nowhere.toml: cannot be read: No such file or directory\n"
        "    hint: check --config\n"
    )


def test_an_unknown_log_level_is_refused(refusal: Callable[..., str]) -> None:
    assert refusal("serve", "--log-level", "loud", code=2).startswith(
        "sidecar: argument --log-level: invalid choice: 'loud'"
    )


@pytest.mark.parametrize(
    ("flag", "advice"),
    [
        ("--certificate=a.pem", "set SIDECAR_CERTIFICATE"),
        ("--port=9911", "set SIDECAR_DOORS_CREDENTIALS=127.0.0.1:PORT"),
        ("--no-verify-ssl", "set AWS_CA_BUNDLE"),
        ("--hop-limit=1", "set SIDECAR_DOORS_HOP_LIMIT"),
    ],
)
def test_a_flag_of_the_signing_helper_s_serve_is_told_what_to_set_instead(
    refusal: Callable[..., str], flag: str, advice: str
) -> None:
    assert refusal("serve", flag, "--role-session-name", "x", code=2) == (
        "sidecar: serve is configured by variables or a file: in place of "
        f"{flag.partition('=')[0]} {advice} (docs/from-signing-helper.md has every flag)\n"
        "hint: sidecar serve --help\n"
    )


def test_every_variable_that_is_advised_is_one_that_serve_knows() -> None:
    told = " ".join(INSTEAD.values())
    advised = set(re.findall(r"(?:SIDECAR|AWS)_[A-Z_0-9]+", told))
    assert advised
    raw = gather(None, dict.fromkeys(advised, "x"))
    assert raw.unknown_variables == []
    assert advised == set(raw.said_by.values())


def test_a_port_in_use_is_refused_with_a_hint(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = machine.run("--log-level", "error", SIDECAR_DOORS_SECRETS=address)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"sidecar: the secrets door cannot listen on {address}: Address already in use\n"
        "hint: free the port, or set doors.secrets to another address\n"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_with_aws_down_prints_its_doors_and_ends_with_0_on_a_signal(
    machine: Machine, number: signal.Signals
) -> None:
    with subprocess.Popen(
        **machine.command("--log-level", "debug"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline().split(" ") for _ in DOORS]
        process.send_signal(number)
        rest, err = process.communicate(timeout=30)
    assert [(line[:2], line[3:]) for line in lines] == [
        (["listening", "on"], [f"({door})\n"]) for door in DOORS
    ]
    assert (process.returncode, rest) == (0, "")
    assert "stopping on a signal" in err
    assert not {"Traceback", "canary"} & set(json.dumps(err).replace(":", " ").split())


@contextmanager
def _serving(machine: Machine, open_files: int) -> Iterator[tuple[dict[str, str], Path]]:
    """Serve with so many open files; give the doors' URLs and where stderr goes."""
    command = machine.command()
    command["args"] = ["sh", "-c", f'ulimit -n {open_files} && exec "$@"', "sh", *command["args"]]
    log = machine.directory / "stderr"
    with (
        log.open("wb") as err,
        subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=err, text=True) as process,
    ):
        assert process.stdout
        lines = [process.stdout.readline().split() for _ in DOORS]
        try:
            yield {line[3].strip("()"): line[2] for line in lines}, log
        finally:
            process.terminate()


def test_a_flood_of_connections_without_a_token_stops_no_door(machine: Machine) -> None:
    with _serving(machine, open_files=256) as (urls, log), ExitStack() as flood:
        port = int(urls["credentials"].rpartition(":")[2])
        for _ in range(300):
            flood.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        for door, path in (("admin", "/healthz"), ("secrets", "/ping")):
            with urllib.request.urlopen(urls[door] + path, timeout=10) as answer:
                assert answer.status == 200
    written = log.read_text()
    assert "each door holds 8 connections at most, not 1024" in written
    assert "the credentials door holds 8 connections and closes idle ones" in written
    assert "out of system resource" not in written


def test_the_soft_limit_on_open_files_is_raised(machine: Machine) -> None:
    command = machine.command()
    command["args"] = ["sh", "-c", 'ulimit -Sn 256 && exec "$@"', "sh", *command["args"]]
    with subprocess.Popen(
        **command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert soft == min(hard, 8192)
    assert ("each door holds" in err) == (hard < 4320)


ONE = (Address.parse(FREE),)


@pytest.mark.parametrize(
    ("doors", "open_files", "most", "warnings"),
    [
        pytest.param(DoorsSection(), 4320, 1024, 0, id="just enough"),
        pytest.param(DoorsSection(), 4319, 1023, 1, id="one too few"),
        pytest.param(
            DoorsSection(credentials=ONE, secrets=(), aws_api=(), admin=()),
            1264,
            1024,
            0,
            id="a door",
        ),
        pytest.param(DoorsSection(secrets=ONE * 2), 4320, 1020, 1, id="a further address"),
        pytest.param(DoorsSection(metadata=ONE), 5360, 1024, 0, id="a further door"),
        pytest.param(DoorsSection(metadata=ONE), 5359, 1023, 1, id="a further door, one too few"),
    ],
)
def test_the_limit_on_connections_fits_the_one_on_open_files(
    doors: DoorsSection,
    open_files: int,
    most: int,
    warnings: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert connection_limits(doors, open_files).max_connections == most
    assert [record.name for record in caplog.records].count("sidecar.serve") == warnings


@pytest.mark.parametrize("door", DOOR_NAMES)
def test_no_door_is_left_out_of_the_count(door: str) -> None:
    alone = DoorsSection().with_addresses({**dict.fromkeys(DOOR_NAMES, ()), door: ONE})
    assert connection_limits(alone, 276).max_connections == 100
    every = DoorsSection().with_addresses(dict.fromkeys(DOOR_NAMES, ONE))
    addresses = len(DOOR_NAMES)
    room = 160 + 16 * addresses + 100 * addresses
    assert connection_limits(every, room).max_connections == 100


@pytest.mark.parametrize(
    ("runtime", "said"),
    [("", "XDG_RUNTIME_DIR names no directory (hint: control.socket names its path)"), ("/x", "")],
)
def test_why_there_is_no_control_socket_is_logged_with_what_to_set(
    runtime: str, said: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    monkeypatch.setattr("sidecar.config.control_section._SYSTEM_DIRECTORY", Path("/nowhere"))
    caplog.set_level(logging.INFO)
    assert (_control(ControlSection()) is None) is bool(said)
    assert len(caplog.messages) == bool(said)
    assert said in "".join(caplog.messages)


class BrokenClock(SystemClock):
    """A clock on which no background task can wait."""

    async def sleep(self, seconds: float) -> None:
        raise RuntimeError(f"cannot sleep {seconds} s")


async def test_what_fails_in_the_background_ends_serving_with_an_error(
    here: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    clock = BrokenClock()
    loaded = read_config(None, os.environ)
    prepared = prepare(loaded, os.environ, clock.now())
    with pytest.raises(RuntimeError, match="cannot sleep"):
        await serve(running_sidecar(loaded.config, prepared, clock), clock)
    critical = [each.message for each in caplog.records if each.levelno == logging.CRITICAL]
    assert critical == ["stopping: what keeps the sidecar fresh has failed"]
