"""References in the environment: all are resolved before the start, or nothing starts."""

import json
import os
from typing import TYPE_CHECKING

import pytest

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.exec.conftest import Machine

START = ("--", "touch", "started")


def test_every_reference_that_fails_is_named_and_nothing_starts(
    machine: "Machine", aws: "Aws"
) -> None:
    good = aws.new_secret(json.dumps({"password": "canary"}))
    foreign = aws.new_secret("canary", folder="other")
    ended = machine.run(
        *START,
        GOOD=f"secret://{good}#password",
        NO_KEY=f"secret://{good}#user",
        FOREIGN=f"secret://{foreign}",
        MISSING="secret://demo/nothing",
    )
    said = ended.stderr.decode()
    assert (ended.returncode, ended.stdout) == (1, b"")
    for name in ("NO_KEY", "FOREIGN", "MISSING"):
        assert f"sidecar: variable {name}: " in said
    assert "sidecar: 3 of 4 references could not be resolved\n" in said
    assert "GOOD" not in said
    assert "canary" not in said
    assert not (machine.directory / "started").exists()


def test_what_is_no_reference_is_told_before_aws_is_asked(machine: "Machine", aws: "Aws") -> None:
    ended = machine.run(*START, ONE="secret://", TWO="secret://a?colour=red", URL="https://x")
    said = ended.stderr.decode()
    assert ended.returncode == 2
    assert said.startswith("sidecar: configuration has 2 problems\n  ONE: ")
    assert "  TWO: " in said
    assert not (machine.directory / "started").exists()
    assert aws.emulator.calls() == {}


@pytest.mark.parametrize(
    ("service", "said"),
    [("rolesanywhere", "role default"), ("secretsmanager", "variable WANTED: ")],
)
def test_an_aws_that_stays_away_ends_the_waiting_with_the_reason(
    machine: "Machine", aws: "Aws", service: str, said: str
) -> None:
    name = aws.new_secret("value")
    down = {"service": service, "status": 503, "code": "ServiceUnavailable"}
    aws.emulator.set_faults(Fault.parse(down))
    # botocore's own pauses between three attempts may be three seconds together.
    words = ("--wait-seconds", "5", "--log-level", "error", *START)
    ended = machine.run(*words, WANTED=f"secret://{name}")
    assert ended.returncode == 75
    assert said in ended.stderr.decode()
    assert not (machine.directory / "started").exists()


def test_a_program_waits_for_an_aws_that_comes_back(machine: "Machine", aws: "Aws") -> None:
    name = aws.new_secret("value")
    down = {"service": "rolesanywhere", "status": 503, "code": "ServiceUnavailable", "times": 1}
    aws.emulator.set_faults(Fault.parse(down))
    ended = machine.run("--", "sh", "-c", 'printf "$WANTED"', WANTED=f"secret://{name}")
    assert (ended.returncode, ended.stdout) == (0, b"value")


def test_a_binary_secret_arrives_as_its_bytes(machine: "Machine", aws: "Aws") -> None:
    name = aws.new_secret("text first")
    sent = bytes(range(1, 256))
    aws.client("secretsmanager").put_secret_value(SecretId=name, SecretBinary=sent)
    ended = machine.run("--", "sh", "-c", 'printf %s "$WANTED"', WANTED=f"secret://{name}")
    assert ended.stdout == sent


def test_what_no_variable_can_hold_is_refused(machine: "Machine", aws: "Aws") -> None:
    name = aws.new_secret("text first")
    aws.client("secretsmanager").put_secret_value(SecretId=name, SecretBinary=b"a\0b")
    ended = machine.run(*START, WANTED=f"secret://{name}")
    assert ended.returncode == 1
    assert "variable WANTED: its content holds a zero byte" in ended.stderr.decode()


def test_a_locale_without_utf_8_changes_no_value(machine: "Machine", aws: "Aws") -> None:
    name = aws.new_secret("größer")
    show = 'printf "%s %s" "$WANTED" "$INHERITED"'
    latin = "größer".encode("latin-1")
    ended = machine.run(
        *("--", "sh", "-c", show),
        WANTED=f"secret://{name}",
        INHERITED=os.fsdecode(latin),
        LC_ALL="C",
        PYTHONUTF8="0",
    )
    assert (ended.stdout, ended.stderr) == ("größer ".encode() + latin, b"")
