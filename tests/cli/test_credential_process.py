"""`credential-process`: the signing helper's flags and output, and our own complaints."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.x509 import load_pem_x509_certificate

from sidecar.ca import Subject, certificate_pem, create_root, issue_workload, private_key_pem
from sidecar.cli import main
from sidecar.clock import iso_seconds
from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws

SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
NO_ARN = "not an ARN: expected arn:partition:service:region:account:resource"
USAGE = "hint: sidecar credential-process --help\n"
CHECK_ENDPOINT = "hint: give --endpoint, or check the region in the ARNs\n"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "SIDECAR_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give arguments that are right, for an AWS that nobody plays."""
    directory = tmp_path_factory.mktemp("identity")
    now, month = datetime.now(UTC), timedelta(days=30)
    authority = create_root(Subject("Test root"), now=now, validity=month)
    leaf, key = issue_workload(authority, Subject("web"), now=now, validity=month)
    expired, its_key = issue_workload(
        authority, Subject("web"), now=now - month, validity=timedelta(days=1)
    )
    _write(directory / "both.pem", certificate_pem(leaf) + private_key_pem(key))
    _write(directory / "expired.pem", certificate_pem(expired) + private_key_pem(its_key))
    return {
        "--certificate": str(directory / "both.pem"),
        "--trust-anchor-arn": f"{SCOPE}:trust-anchor/a",
        "--profile-arn": f"{SCOPE}:profile/p",
        "--role-arn": "arn:aws:iam::123456789012:role/web",
    }


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _words(arguments: dict[str, str]) -> list[str]:
    return ["credential-process", *(word for pair in arguments.items() for word in pair)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(
            {"--trust-anchor-arn": "x"},
            f"argument --trust-anchor-arn: {NO_ARN} (got 'x')",
            id="anchor",
        ),
        pytest.param(
            {"--profile-arn": f"{SCOPE}:trust-anchor/a"},
            "argument --profile-arn: not the ARN of a profile: expected "
            f"…:rolesanywhere:…:profile/… (got '{SCOPE}:trust-anchor/a')",
            id="profile",
        ),
        pytest.param(
            {"--role-arn": "web\n"},
            f"argument --role-arn: {NO_ARN} (got 'web\\n')",
            id="role",
        ),
        pytest.param(
            {"--session-duration": "899"},
            "argument --session-duration: must be between 900 and 43200 (got '899')",
            id="too short",
        ),
        pytest.param(
            {"--session-duration": "1h"},
            "argument --session-duration: must be a whole number (got '1h')",
            id="no number",
        ),
        pytest.param(
            {"--role-session-name": "a b"},
            "argument --role-session-name: must be 2 to 64 of letters, digits and _+=,.@- "
            "(got 'a b')",
            id="session name",
        ),
        pytest.param(
            {"--region": "mars"},
            "argument --region: is not a region's name (got 'mars')",
            id="region",
        ),
        pytest.param(
            {"--endpoint": "127.0.0.1:4566"},
            "argument --endpoint: must be http://host[:port] or https://host[:port] "
            "(got '127.0.0.1:4566')",
            id="endpoint",
        ),
        pytest.param({"--port": "80"}, "unrecognized arguments: --port 80", id="unknown"),
    ],
)
def test_a_bad_argument_is_refused(
    refusal: Callable[..., str], arguments: dict[str, str], change: dict[str, str], complaint: str
) -> None:
    said = refusal(*_words(arguments | change), code=2)
    assert said == f"sidecar: {complaint}\n{USAGE}"


def test_every_argument_that_is_needed_is_named(refusal: Callable[..., str]) -> None:
    assert refusal("credential-process", code=2) == (
        "sidecar: the following arguments are required: --trust-anchor-arn, --profile-arn, "
        f"--role-arn\n{USAGE}"
    )


def test_regions_that_differ_are_refused(
    refusal: Callable[..., str], arguments: dict[str, str]
) -> None:
    elsewhere = arguments["--profile-arn"].replace("eu-central-1", "us-east-1")
    assert refusal(*_words(arguments | {"--profile-arn": elsewhere})) == (
        "sidecar: the profile is in us-east-1, the trust anchor in eu-central-1\n"
        "hint: CreateSession needs both in one region\n"
    )


def test_another_region_than_the_trust_anchor_s_is_refused_before_aws_is_asked(
    refusal: Callable[..., str], at_emulator: dict[str, str], aws: "Aws"
) -> None:
    assert refusal(*_words(at_emulator | {"--region": "eu-central-1"})) == (
        "sidecar: --region is eu-central-1, the trust anchor is in us-east-1\n"
        "hint: leave --region out: CreateSession is asked where the trust anchor is\n"
    )
    assert aws.emulator.calls() == {}
    assert main(_words(at_emulator | {"--region": "us-east-1"})) == 0


def test_a_region_without_the_service_is_refused(
    refusal: Callable[..., str], arguments: dict[str, str]
) -> None:
    elsewhere = {
        name: arguments[name].replace("eu-central-1", "mars-north-1")
        for name in ("--trust-anchor-arn", "--profile-arn")
    }
    assert refusal(*_words(arguments | elsewhere)) == (
        f"sidecar: no endpoint of rolesanywhere is known in region 'mars-north-1'\n{CHECK_ENDPOINT}"
    )


def test_a_bad_endpoint_in_the_environment_is_refused(
    refusal: Callable[..., str], arguments: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "emulator")
    assert refusal(*_words(arguments)) == (
        "sidecar: variable AWS_ENDPOINT_URL must be http://host[:port] or https://host[:port] "
        "(got 'emulator')\nhint: correct or unset it\n"
    )


def test_a_ca_bundle_that_cannot_be_read_is_refused(
    refusal: Callable[..., str], arguments: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere.pem")
    assert refusal(*_words(arguments | {"--endpoint": "http://127.0.0.1:1"})) == (
        "sidecar: CA bundle /nowhere.pem cannot be used: No such file or directory\n"
        "hint: aws.ca_bundle (or AWS_CA_BUNDLE) must name a readable PEM file\n"
    )


def test_a_missing_certificate_is_refused(
    refusal: Callable[..., str], arguments: dict[str, str]
) -> None:
    said = refusal(*_words(arguments | {"--certificate": "/nowhere.pem"}))
    assert said.startswith(
        "sidecar: private key /nowhere.pem cannot be read: No such file or directory\nhint: check"
    )


def test_an_expired_certificate_is_refused(
    refusal: Callable[..., str], arguments: dict[str, str]
) -> None:
    expired = str(Path(arguments["--certificate"]).with_name("expired.pem"))
    said = refusal(*_words(arguments | {"--certificate": expired}))
    assert said.startswith("sidecar: the certificate expired at ")
    assert said.endswith("\nhint: renew it\n")


def test_the_output_is_that_of_the_signing_helper(
    at_emulator: dict[str, str], aws: "Aws", capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_words(at_emulator | {"--session-duration": "900"})) == 0
    out, err = capsys.readouterr()
    printed = json.loads(out)
    keys = ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"]
    assert (list(printed), printed["Version"], err) == (keys, 1, "")
    assert not out.endswith("\n")
    left = datetime.fromisoformat(printed["Expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert aws.emulator.calls() == {"rolesanywhere.CreateSession": 1}


async def _no_time(self: object, seconds: float) -> None:
    pass


def test_a_failure_that_passes_is_tried_again(
    at_emulator: dict[str, str],
    aws: "Aws",
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=503, times=1))
    monkeypatch.setattr("sidecar.clock.SystemClock.sleep", _no_time)
    assert main([*_words(at_emulator), "--debug"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["Version"] == 1
    assert "attempt 1 of 3: CreateSession was refused: 503 ServiceUnavailable" in err
    assert json.loads(out)["SecretAccessKey"] not in err


def test_debug_says_what_was_asked_and_what_came_of_it(
    at_emulator: dict[str, str], aws: "Aws", capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = load_pem_x509_certificate(Path(at_emulator["--certificate"]).read_bytes())
    assert main([*_words(at_emulator), "--debug"]) == 0
    out, err = capsys.readouterr()
    said = [line.split(": ", 1)[1] for line in err.splitlines()]
    ends = iso_seconds(certificate.not_valid_after_utc)
    serial = f"{certificate.serial_number:x}"
    subject, role = certificate.subject.rfc4514_string(), at_emulator["--role-arn"]
    assert said == [
        "no cache directory is named: a new session is asked for",
        f"certificate: {subject}, serial {serial}, valid until {ends}",
        (
            f"CreateSession: asking {aws.emulator.url}, region us-east-1, for {role}; "
            f"AWS4-X509-ECDSA-SHA256, certificate serial {serial}, intermediates sent: 0"
        ),
        f"CreateSession: a session until {json.loads(out)['Expiration']}",
    ]
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=403))
    assert main([*_words(at_emulator), "--debug"]) == 1
    assert "CreateSession: status 403 " in capsys.readouterr().err


def test_a_refusal_is_told_in_aws_s_words_and_not_tried_again(
    at_emulator: dict[str, str], aws: "Aws", capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = at_emulator["--role-arn"] + "-of-nobody"
    assert main(_words(at_emulator | {"--role-arn": unknown})) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("sidecar: CreateSession was refused: 403 AccessDeniedException: ")
    assert aws.emulator.calls() == {"rolesanywhere.CreateSession": 1}


@pytest.mark.parametrize("status", [429, 503])
def test_a_failure_that_may_pass_later_has_an_exit_code_of_its_own(
    status: int,
    at_emulator: dict[str, str],
    aws: "Aws",
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sidecar.clock.SystemClock.sleep", _no_time)
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=status))
    assert main(_words(at_emulator)) == 75
    assert capsys.readouterr().out == ""
    assert aws.emulator.calls() == {"rolesanywhere.CreateSession": 3}


def test_a_session_of_an_encrypted_key_needs_no_password_on_the_command_line(
    at_emulator: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    openssl: Callable[..., object],
) -> None:
    key, password = tmp_path / "locked.key", tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("correct horse\n")
    openssl(
        "pkcs8", "-topk8", "-in", at_emulator["--private-key"], "-out", key,
        "-passout", f"file:{password}",
    )  # fmt: skip
    key.chmod(0o600)
    locked = _words(at_emulator | {"--private-key": str(key)})
    assert main([*locked, "--password-file", str(password)]) == 0
    monkeypatch.setenv("KEY_PASSWORD", "correct horse")
    assert main([*locked, "--password-env=KEY_PASSWORD"]) == 0
    assert main([*locked, "--pkcs8-password", "correct horse"]) == 0
    printed = capsys.readouterr()
    assert (printed.out.count('"Version": 1'), printed.err) == (3, "")
    monkeypatch.setenv("KEY_PASSWORD", "wrong")
    assert main([*locked, "--password-env=KEY_PASSWORD"]) == 1
