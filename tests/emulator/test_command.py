"""``sidecar emulator`` as a process of its own: what it prints, and how it ends."""

import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

CLEAN = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
Process = subprocess.Popen[str]


@contextmanager
def running(*arguments: object) -> Iterator[tuple[Process, list[str]]]:
    """Start the command, and give it with the lines that it prints first."""
    command = [sys.executable, "-m", "sidecar", "emulator", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN
    ) as process:
        assert process.stdout is not None
        try:
            count = 7 if "--tls-ca-file" in arguments else 6
            yield process, [process.stdout.readline().rstrip() for _ in range(count)]
        finally:
            process.kill()


def refused(*arguments: object) -> tuple[int, str]:
    """Run the command to its end, and return its exit code and what it says on stderr."""
    command = [sys.executable, "-m", "sidecar", "emulator", *map(str, arguments)]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=CLEAN
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_where_it_is_and_whose_keys_work_and_ends_well(number: signal.Signals) -> None:
    with running("--port", 0, "--region", "eu-west-1") as (process, lines):
        assert re.fullmatch(r"emulator listening on http://127\.0\.0\.1:\d+", lines[0])
        exports = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
        sts = boto3.client(
            "sts",
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            region_name=exports["AWS_REGION"],
            endpoint_url=exports["AWS_ENDPOINT_URL"],
        )
        identity = sts.get_caller_identity()
        assert identity["Arn"] == "arn:aws:iam::123456789012:user/administrator"
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
        assert (process.returncode, rest, errors) == (0, "", "")


def in_bash(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script with no variables but these."""
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=variables,
    )


WHO_AM_I = f"{shlex.quote(sys.executable)} -m awscli sts get-caller-identity"
# Keeps the files of whoever runs the tests out of it; the AWS CLI asks for nothing else.
NOBODYS_FILES = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}


def test_the_printed_exports_are_all_that_the_aws_cli_needs() -> None:
    with running("--port", 0, "--region", "eu-west-1") as (_, lines):
        told = in_bash("\n".join([*lines[1:], WHO_AM_I]), **NOBODYS_FILES)
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["Arn"] == "arn:aws:iam::123456789012:user/administrator"


def test_aws_region_alone_is_not_enough_for_the_aws_cli() -> None:
    with running("--port", 0) as (_, lines):
        fewer = [line for line in lines[1:] if "AWS_DEFAULT_REGION" not in line]
        told = in_bash("\n".join([*fewer, WHO_AM_I]), **NOBODYS_FILES)
    assert told.returncode != 0
    assert "You must specify a region" in told.stderr


def test_the_quick_start_of_the_documentation_runs() -> None:
    page = (Path(__file__).parents[2] / "docs/emulator.md").read_text()
    [script] = [each for each in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "eval" in each]
    path = f"{Path(sys.executable).parent}:{os.defpath}"
    with running("--port", 0) as (_, lines):
        here = script.replace("http://127.0.0.1:4566", lines[0].split()[-1])
        told = in_bash(here, PATH=path, **NOBODYS_FILES)
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["Name"] == "prod/db"


def test_tls_comes_with_a_ca_file(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    with running("--port", 0, "--tls", "--tls-ca-file", ca_file) as (_, lines):
        url = lines[0].removeprefix("emulator listening on ")
        assert url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(ca_file))
        with urllib.request.urlopen(f"{url}/_emulator/health", context=trusting) as answer:
            assert answer.status == 200


def test_with_tls_the_exports_say_whom_to_trust(tmp_path: Path) -> None:
    ca_file = tmp_path / "a ca.pem"
    with running("--port", 0, "--tls", "--tls-ca-file", ca_file) as (_, lines):
        assert lines[-1] == f"export AWS_CA_BUNDLE={shlex.quote(str(ca_file))}"
        told = in_bash("\n".join([*lines[1:], WHO_AM_I]), **NOBODYS_FILES)
        untold = in_bash("\n".join([*lines[1:-1], WHO_AM_I]), **NOBODYS_FILES)
    assert (told.returncode, told.stderr) == (0, "")
    assert "CERTIFICATE_VERIFY_FAILED" in untold.stderr


def test_who_listens_everywhere_is_reached_on_loopback() -> None:
    with running("--port", 0, "--host", "0.0.0.0") as (_, lines):
        url = lines[0].removeprefix("emulator listening on ")
        assert url.startswith("http://127.0.0.1:")
        assert lines[-1] == f"export AWS_ENDPOINT_URL={url}"
        with urllib.request.urlopen(f"{url}/_emulator/health") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("options", "strict", "sessions_a_second"),
    [([], True, None), (["--lenient"], False, None), (["--quotas"], True, 10)],
)
def test_roles_anywhere_is_as_strict_and_as_slow_as_wanted(
    options: list[str], sessions_a_second: int | None, *, strict: bool
) -> None:
    with running("--port", 0, *options) as (_, lines):
        url = lines[0].removeprefix("emulator listening on ")
        with urllib.request.urlopen(f"{url}/_emulator/roles-anywhere") as answer:
            settings = json.load(answer)
    assert settings["strict"] is strict
    assert settings["quotas"].get("create_session") == sessions_a_second


def test_a_port_in_use_is_an_error_with_a_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = refused("--port", port)
    assert code == 1
    assert errors.splitlines() == [
        f"sidecar: cannot listen on 127.0.0.1:{port}: Address already in use",
        "hint: stop the program that uses this port, or choose another with --port (0: any)",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        pytest.param(["--port", "65536"], 2, "not a port: 65536", id="port too high"),
        pytest.param(["--port", "http"], 2, "not a port: http", id="port in words"),
        pytest.param(["--region", "x"], 1, "sidecar: there is no region x", id="region"),
        pytest.param(["--tls-ca-file", "ca"], 1, "sidecar: --tls-ca-file needs --tls", id="no TLS"),
        pytest.param(
            ["--port", "0", "--tls", "--tls-ca-file", "/nowhere/ca.pem"],
            1,
            "sidecar: cannot write the CA certificate: /nowhere/ca.pem: No such file or directory",
            id="CA file",
        ),
    ],
)
def test_wrong_options_are_errors(arguments: list[str], code: int, text: str) -> None:
    ended, errors = refused(*arguments)
    assert ended == code
    assert text in errors


def test_without_moto_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['moto'] = None\n")
    monkeypatch.setitem(CLEAN, "PYTHONPATH", str(tmp_path))
    code, errors = refused("--port", 0)
    assert code == 1
    assert errors.splitlines()[-1] == "hint: pip install '.[emulator]'"


@pytest.fixture
def helped(capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    from sidecar.cli import main  # noqa: PLC0415 - the command line is asked as a user would

    def text() -> str:
        with pytest.raises(SystemExit):
            main(["emulator", "--help"])
        return capsys.readouterr().out

    return text


def test_help_ends_with_an_example(helped: Callable[[], str]) -> None:
    assert helped().rstrip().endswith("sidecar emulator --port 4566")
